//! Tests of the whole: the rules that the sources keep (header, layers), and apps.

mod app;
mod bindings;
mod header;
mod layering;
