//! The text format of Prometheus, version 0.0.4.

use std::fmt::Write;

use serde::Serialize;

/// A number with what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Sample {
    pub(super) labels: Vec<(&'static str, String)>,
    pub(super) value: u64,
}

/// Numbers of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) help: &'static str,
    pub(super) samples: Vec<Sample>,
}

impl Metric {
    /// What is so now, in one number.
    pub(super) fn one(name: &'static str, help: &'static str, value: u64) -> Self {
        Self::by(
            name,
            help,
            vec![Sample {
                labels: Vec::new(),
                value,
            }],
        )
    }

    /// What is so now, in several.
    pub(super) fn by(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Self {
        Self {
            name,
            kind: "gauge",
            help,
            samples,
        }
    }
}

/// All of them as lines.
pub(super) fn text(metrics: &[Metric]) -> String {
    let mut text = String::new();
    for metric in metrics {
        let Metric {
            name,
            kind,
            help,
            samples,
        } = metric;
        // Writing to a String doesn't fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for sample in samples {
            let _ = writeln!(text, "{name}{} {}", labels(&sample.labels), sample.value);
        }
    }
    text
}

fn labels(labels: &[(&'static str, String)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let escaped = |value: &str| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        value.replace('\n', "\\n")
    };
    let pairs = labels
        .iter()
        .map(|(key, value)| format!("{key}=\"{}\"", escaped(value)));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_as_the_format_has_it() {
        let labels = vec![("service", "a\\b\"c\nd".to_owned())];
        let metric = Metric::by("x", "Some.", vec![Sample { labels, value: 3 }]);
        let expected = "# HELP x Some.\n# TYPE x gauge\nx{service=\"a\\\\b\\\"c\\nd\"} 3\n";
        assert_eq!(text(&[metric]), expected);
    }
}
