//! The hits of all peers as bars, in SVG.

use std::fmt::Write;

use super::hits::{CONNECTIONS, Case, Request};
use super::peers::Peer;
use crate::samples::Samples;

/// In pixels: a bar's thickness, what is between the groups, where the bars begin, and how long the longest is.
const BAR: usize = 22;
const GAP: usize = 34;
const LEFT: usize = 150;
const LENGTH: usize = 480;

/// The hits a second of every peer, a group of bars for each number of connections.
pub fn svg(cases: &[Case]) -> String {
    let rate = |peer: Peer, connections: usize| {
        let wanted = |case: &&Case| (case.peer, case.asked, case.connections) == (peer, Request::Listing, connections);
        let rates = cases.iter().find(wanted).map(Case::rates).unwrap_or_default();
        Samples::new(rates).map_or(0.0, |rates| rates.median())
    };
    let groups: Vec<(usize, Vec<(Peer, f64)>)> = CONNECTIONS
        .iter()
        .map(|&connections| (connections, Peer::ALL.iter().map(|&peer| (peer, rate(peer, connections))).collect()))
        .collect();
    let most = groups.iter().flat_map(|(_, bars)| bars).map(|(_, rate)| *rate).fold(1.0, f64::max);
    let height = groups.len() * (Peer::ALL.len() * BAR + GAP) + GAP / 2;
    let width = LEFT + LENGTH + 90;
    let mut bars = String::new();
    let mut top = GAP;
    for (connections, group) in &groups {
        let noun = if *connections == 1 { "connection" } else { "connections" };
        text(&mut bars, (LEFT, top - 8), "start", &format!("{connections} {noun}: hits a second"));
        for (peer, rate) in group {
            let length = (rate / most * LENGTH as f64) as usize;
            let class = if *peer == Peer::Store { "ours" } else { "peer" };
            let thickness = BAR - 4;
            // Writing to a String cannot fail.
            let _ =
                writeln!(bars, r#"<rect class="{class}" x="{LEFT}" y="{top}" width="{length}" height="{thickness}"/>"#);
            text(&mut bars, (LEFT - 8, top + 14), "end", peer.name());
            text(&mut bars, (LEFT + length + 6, top + 14), "start", &format!("{rate:.0}"));
            top += BAR;
        }
        top += GAP;
    }
    // Colours that show on a dark page, too.
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-label=\"Hits a second of store-api and its peers\">\n\
         <style>text {{ font: 13px sans-serif; fill: #777 }} .ours {{ fill: #c8553d }} .peer {{ fill: #8a9ba8 }}</style>\n\
         {bars}</svg>\n"
    )
}

fn text(to: &mut String, (x, y): (usize, usize), anchor: &str, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(to, r#"<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>"#);
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_element_is_closed() {
        let svg = super::svg(&[]);
        assert_eq!(svg.matches("<rect ").count(), 15);
        assert_eq!(svg.matches("<text ").count(), svg.matches("</text>").count());
        assert_eq!(svg.matches('<').count(), svg.matches('>').count());
    }
}
