//! Many measurements of one thing, as one figure and how far they lie apart.

/// The measurements of one thing, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// `None` where there are none, or one is no number.
    pub fn new(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        (!values.is_empty() && values.iter().all(|value| value.is_finite())).then_some(Self(values))
    }

    /// Round by round, this divided by that: what disturbed a round disturbed both.
    pub fn ratios(these: &[f64], those: &[f64]) -> Option<Self> {
        Self::new(these.iter().zip(those).map(|(this, that)| this / that))
    }

    /// The value in the middle.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The value below which this share of them lies.
    pub fn quantile(&self, share: f64) -> f64 {
        let at = share * (self.0.len() - 1) as f64;
        let (below, above) = (self.0[at.floor() as usize], self.0[at.ceil() as usize]);
        below + (above - below) * at.fract()
    }

    /// The least and the greatest.
    pub fn range(&self) -> (f64, f64) {
        (self.quantile(0.0), self.quantile(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_range() {
        let samples = Samples::new([3.0, 1.0, 2.0, 10.0]);
        assert_eq!(samples.as_ref().map(Samples::median), Some(2.5));
        assert_eq!(samples.as_ref().map(Samples::range), Some((1.0, 10.0)));
        assert_eq!(Samples::new([7.0]).map(|one| one.quantile(0.99)), Some(7.0));
    }

    #[test]
    fn nothing_measured_is_no_figure() {
        assert_eq!(Samples::new([]), None);
        assert_eq!(Samples::ratios(&[1.0], &[0.0]), None);
        assert_eq!(Samples::ratios(&[1.0, 6.0], &[2.0, 2.0]), Samples::new([0.5, 3.0]));
    }
}
