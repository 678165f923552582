//! Configuration: the ini dialect of IO500, its options, and where each value came from.
