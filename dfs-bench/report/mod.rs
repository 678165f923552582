//! Reports of finished runs, and comparisons of them.

#[cfg(test)]
pub mod browser;
pub mod c_suite;
pub mod change_points;
pub mod charts;
pub mod compare;
pub mod consistency;
pub mod csv;
pub mod derive;
pub mod diagnosis;
pub mod figures;
pub mod heat_map;
pub mod hgrm;
pub mod html;
pub mod json;
pub mod load;
pub mod markdown;
pub mod model;
pub mod node_drawing;
pub mod nodes;
pub mod output;
pub mod over_time;
pub mod overview;
pub mod own;
pub mod sections;
pub mod server_tables;
pub mod spread;
pub mod stragglers;
pub mod svg;
pub mod tables;
#[cfg(test)]
pub mod testing;
pub mod text;
