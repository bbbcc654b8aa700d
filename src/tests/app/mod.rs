//! Apps over real loopback sockets, in each way of delivery.

mod calls;
mod support;
mod tools;

mod batch;
mod conversation;
mod credit;
mod descriptors;
mod end;
mod faults;
mod free;
mod handlers;
mod helping;
mod hold;
mod inside;
mod legacy;
mod many;
mod panic;
mod pressure;
mod prompt;
mod queue;
mod resolver;
mod sleep;
mod spin;
mod tls;
mod udp;
mod unheard;
