//! Tests of the whole: the house's own rules (header, layers), and apps over real loopback sockets
//! in each way of delivery.

mod calls;
mod support;
mod tools;

mod app;
mod app_end;
mod app_faults;
mod app_free;
mod app_handlers;
mod app_panic;
mod app_pressure;
mod app_queue;
mod app_resolver;
mod app_tls;
mod header;
mod layering;
