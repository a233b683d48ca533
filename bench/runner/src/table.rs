//! A table of figures beside their goals, for people and for Markdown alike.

use super::samples::Samples;

/// One figure and its goal.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// What it should be.
    pub goal: Goal,
    /// What it was, and its unit, such as ` ms`.
    pub samples: Option<Samples>,
    /// Behind each number.
    pub unit: &'static str,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// This, or more.
    AtLeast(f64),
    /// This, or less.
    AtMost(f64),
    /// It is there for comparison.
    None,
}

impl Row {
    fn cells(&self) -> [String; 4] {
        let (goal, met) = match (self.goal, self.samples.as_ref().map(Samples::median)) {
            (Goal::AtLeast(least), value) => (format!("≥ {}", number(least)), value.map(|value| value >= least)),
            (Goal::AtMost(most), value) => (format!("≤ {}", number(most)), value.map(|value| value <= most)),
            (Goal::None, _) => (String::new(), None),
        };
        let value = match &self.samples {
            None => "not measured".to_owned(),
            Some(samples) => {
                let (least, most) = samples.range();
                format!("{}{} ({} … {})", number(samples.median()), self.unit, number(least), number(most))
            }
        };
        let met = match met {
            None => "",
            Some(true) => "met",
            Some(false) => "missed",
        };
        let goal = if goal.is_empty() { goal } else { format!("{goal}{}", self.unit) };
        [self.what.clone(), goal, value, met.to_owned()]
    }
}

/// Three significant digits: more would be noise.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The rows as a table of Markdown whose columns are aligned.
pub fn markdown(rows: &[Row]) -> String {
    let mut lines = vec![
        ["what", "goal", "median (least … most of all rounds)", ""].map(str::to_owned),
        ["---"; 4].map(str::to_owned),
    ];
    lines.extend(rows.iter().map(Row::cells));
    let mut widths = [0; 4];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in &lines {
        for (cell, width) in line.iter().zip(widths) {
            let fill = if cell == "---" { '-' } else { ' ' };
            let padding: String = std::iter::repeat_n(fill, width - cell.chars().count()).collect();
            text.push_str(&format!("| {cell}{padding} "));
        }
        text.push_str("|\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_by_the_median() {
        let row = |goal, values: &[f64]| {
            let samples = Samples::new(values.iter().copied());
            Row { what: "hit".to_owned(), goal, samples, unit: " ms" }.cells()
        };
        assert_eq!(row(Goal::AtMost(2.0), &[1.0, 1.5, 9.0])[1..], ["≤ 2.00 ms", "1.50 ms (1.00 … 9.00)", "met"]);
        assert_eq!(row(Goal::AtLeast(2.0), &[1.0, 123.456])[2..], ["62.2 ms (1.00 … 123)", "met"]);
        assert_eq!(row(Goal::AtLeast(2.0), &[1.0])[3], "missed");
        assert_eq!(row(Goal::AtLeast(2.0), &[])[2..], ["not measured", ""]);
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [Row { what: "a long name".to_owned(), goal: Goal::None, samples: None, unit: "" }];
        let text = markdown(&rows);
        let widths: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths, [widths[0]; 3], "{text}");
    }
}
