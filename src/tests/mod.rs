//! Tests of the whole: the rules that the sources keep (header, layers), and apps over real loopback sockets
//! in each way of delivery.

mod bindings;
mod calls;
mod support;
mod tools;

mod app;
mod app_batch;
mod app_credit;
mod app_end;
mod app_faults;
mod app_free;
mod app_handlers;
mod app_hold;
mod app_inside;
mod app_legacy;
mod app_many;
mod app_panic;
mod app_pressure;
mod app_queue;
mod app_resolver;
mod app_sleep;
mod app_spin;
mod app_tls;
mod app_udp;
mod app_unheard;
mod header;
mod layering;
