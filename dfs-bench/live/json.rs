//! The live view as one JSON object a line, for dashboards.

use super::view::View;
use serde::Serialize;

#[derive(Serialize)]
struct Line<'a> {
    /// When, with the zone.
    time: String,
    ranks: usize,
    #[serde(flatten)]
    view: Option<&'a View>,
}

/// One object; without a phase between phases.
pub fn object(view: Option<&View>, ranks: usize) -> String {
    let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    serde_json::to_string(&Line { time, ranks, view }).expect("a view has string keys only")
}

#[cfg(test)]
mod tests {
    use super::super::view::Tracker;
    use super::super::view::tests::{run, snapshot};
    use super::*;

    #[test]
    fn an_object_has_the_figures_of_the_view() {
        let view = Tracker::new(4).look(&snapshot(), &run(), std::time::Instant::now());
        let object: serde_json::Value = serde_json::from_str(&object(view.as_ref(), 4)).unwrap();
        assert_eq!((&object["phase"], &object["index"]), (&"ior-easy-write".into(), &1.into()));
        assert!(object["rate_average"].as_f64().unwrap() > 0.3 && object["time"].as_str().unwrap().ends_with('Z'));
        let between: serde_json::Value = serde_json::from_str(&super::object(None, 4)).unwrap();
        assert_eq!((between.get("phase"), &between["ranks"]), (None, &4.into()));
    }
}
