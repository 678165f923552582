//! A description that exists and a new one: what a person wrote stays, blanks are filled, what is missing is added.

use super::attributes::is_blank;
use serde_json::Value;

/// Fills `existing` from `new`; whatever says something stays as it is. The number of attributes that were filled.
pub fn fill(existing: &mut Value, new: &Value) -> usize {
    let Some(there) = existing.as_object_mut() else { return 0 };
    let mut filled = 0;
    for (key, value) in new.as_object().into_iter().flatten() {
        match (key.as_str(), there.get_mut(key)) {
            (_, None) => {
                there.insert(key.clone(), value.clone());
                filled += count(value);
            }
            ("childs", Some(children)) => filled += fill_children(children, value),
            (_, Some(old)) if old.is_object() => filled += fill(old, value),
            (_, Some(old)) if is_blank(old) && !is_blank(value) => {
                *old = value.clone();
                filled += 1;
            }
            _ => {}
        }
    }
    filled
}

/// Components are the same when they have the same type and place among those of that type.
fn fill_children(existing: &mut Value, new: &Value) -> usize {
    let Some(there) = existing.as_array_mut() else { return 0 };
    let mut filled = 0;
    for (index, child) in new.as_array().into_iter().flatten().enumerate() {
        let earlier = new.as_array().into_iter().flatten().take(index);
        let nth = earlier.filter(|other| other.get("type") == child.get("type")).count();
        match there.iter_mut().filter(|other| other.get("type") == child.get("type")).nth(nth) {
            Some(old) => filled += fill(old, child),
            None => {
                there.push(child.clone());
                filled += count(child);
            }
        }
    }
    filled
}

/// The attributes that say something in a part that is added whole.
fn count(value: &Value) -> usize {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| match key.as_str() {
                "att" => value.as_object().map_or(0, |att| att.values().filter(|value| !is_blank(value)).count()),
                "childs" => value.as_array().map_or(0, |all| all.iter().map(count).sum()),
                _ => 0,
            })
            .sum(),
        value => usize::from(!is_blank(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(count: Value, kernel: Value) -> Value {
        json!({"DATA": {"type": "Site", "att": {"institution": ""}, "childs": [
            {"type": "Nodes", "att": {"count": count, "kernel version": kernel, "capacity": ["", "TiB"]}, "childs": []},
        ]}})
    }

    #[test]
    fn what_a_person_wrote_stays_and_blanks_are_filled() {
        let mut existing = document(json!(11), json!(""));
        existing["DATA"]["att"]["institution"] = json!("Observatory");
        existing["DATA"]["att"]["webpage"] = json!("https://example.org");
        existing["DATA"]["childs"].as_array_mut().unwrap().push(json!({"type": "Building", "att": {"name": "West"}}));
        let mut new = document(json!(10), json!("6.1.0"));
        new["DATA"]["childs"][0]["att"]["capacity"] = json!([3, "TiB"]);
        new["DATA"]["childs"]
            .as_array_mut()
            .unwrap()
            .push(json!({"type": "IO500", "att": {"version": "x"}, "childs": []}));
        assert_eq!(fill(&mut existing, &new), 3);
        let site = &existing["DATA"];
        assert_eq!(site["att"]["institution"], "Observatory");
        assert_eq!(site["att"]["webpage"], "https://example.org");
        assert_eq!(site["childs"][0]["att"], json!({"count": 11, "kernel version": "6.1.0", "capacity": [3, "TiB"]}));
        assert_eq!(site["childs"][1]["att"]["name"], "West");
        assert_eq!(site["childs"][2]["att"]["version"], "x");
        let before = existing.clone();
        assert_eq!(fill(&mut existing, &new), 0, "a second time changes nothing");
        assert_eq!(existing, before);
    }

    #[test]
    fn two_components_of_a_type_stay_two() {
        let two = |a: &str, b: &str| json!({"childs": [{"type": "Memory", "att": {"t": a}}, {"type": "Memory", "att": {"t": b}}]});
        let mut existing = two("", "mine");
        fill(&mut existing, &two("one", "other"));
        assert_eq!(existing, two("one", "mine"));
    }

    #[test]
    fn nothing_that_is_no_document_makes_it_panic() {
        for odd in
            [json!(null), json!([]), json!({"childs": 3}), json!({"DATA": []}), json!({"DATA": {"childs": [1, {}]}})]
        {
            fill(&mut odd.clone(), &document(json!(1), json!("6")));
            fill(&mut document(json!(1), json!("6")), &odd);
        }
    }
}
