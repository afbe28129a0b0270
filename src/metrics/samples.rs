//! Samples by family, and how the encoder gets them.

use std::{collections::BTreeMap, fmt};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder, NoLabelSet},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};

use super::{family::Family, report::DurationCounts};

/// The labels of a sample.
pub(super) type Labels = Vec<(&'static str, String)>;

/// The samples of all families, by the family's name.
#[derive(Debug, Default)]
pub(super) struct Samples(BTreeMap<&'static str, Described>);

/// A family with its samples.
type Described = (Family, Vec<(Labels, Value)>);

#[derive(Debug)]
enum Value {
    Integer(i64),
    Count(u64),
    Durations(DurationCounts),
}

impl Samples {
    /// Adds a sample of the gauge `family`.
    pub(super) fn gauge(&mut self, family: Family, labels: Labels, value: i64) {
        self.add(family, labels, Value::Integer(value));
    }

    /// Adds a sample of the counter `family`.
    pub(super) fn counter(&mut self, family: Family, labels: Labels, value: u64) {
        self.add(family, labels, Value::Count(value));
    }

    /// Adds a sample of the histogram `family`.
    pub(super) fn histogram(&mut self, family: Family, labels: Labels, value: DurationCounts) {
        self.add(family, labels, Value::Durations(value));
    }

    fn add(&mut self, family: Family, labels: Labels, value: Value) {
        let (_, samples) = self.0.entry(family.name).or_insert((family, Vec::new()));
        samples.push((labels, value));
    }
}

impl Collector for Samples {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (family, samples) in self.0.values() {
            let Family { name, help, kind } = *family;
            let mut encoder = encoder.encode_descriptor(name, help, None, kind)?;
            for (labels, value) in samples {
                value.encode(encoder.encode_family(labels)?)?;
            }
        }
        Ok(())
    }
}

impl Value {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => ConstGauge::new(*value).encode(encoder),
            Self::Count(value) => ConstCounter::new(*value).encode(encoder),
            Self::Durations(durations) => {
                let below: u64 = durations.buckets.iter().map(|(_, count)| count).sum();
                let above = (f64::INFINITY, durations.count.saturating_sub(below));
                let buckets = [durations.buckets.as_slice(), &[above]].concat();
                let (sum, count) = (durations.sum_s, durations.count);
                encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
            }
        }
    }
}
