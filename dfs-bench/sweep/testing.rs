//! Campaigns for tests.

use super::campaign::Campaign;

/// A campaign with so many values on each axis: `a0`, `a1`, … with 0, 1, …
pub fn campaign(extra: &str, sizes: &[usize]) -> Campaign {
    let mut text = format!("name = \"t\"\n{extra}\n");
    for (axis, size) in sizes.iter().enumerate() {
        let values: Vec<String> = (0..*size).map(|value| value.to_string()).collect();
        text.push_str(&format!("[[axis]]\nname = \"a{axis}\"\nenv = \"A{axis}\"\nvalues = [{}]\n", values.join(", ")));
    }
    Campaign::parse(&text).unwrap()
}
