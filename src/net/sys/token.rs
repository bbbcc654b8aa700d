//! What an event of `mio` is about, packed into its token: the app's slot, the socket and its attempt.

use crate::net::{MAX_LANES, Token};

/// Bits of a `mio::Token`: the owner with its sign, the lane, and the slot in the rest.
const OWNER_BITS: u32 = 32;
const LANE_BITS: u32 = 12;
const _: () = assert!(MAX_LANES == 1 << LANE_BITS);

/// Slots a token can tell apart.
pub(crate) const MAX_SLOTS: u32 = 1 << (usize::BITS - OWNER_BITS - LANE_BITS);

/// The token of a reactor's own waker: no owner is 0.
pub(crate) const WAKER: mio::Token = mio::Token(0);

pub(super) fn pack(slot: u32, token: Token) -> mio::Token {
    let lane = usize::from(token.lane) & ((1 << LANE_BITS) - 1);
    let owner = token.owner as u32 as usize;
    mio::Token((slot as usize) << (OWNER_BITS + LANE_BITS) | lane << OWNER_BITS | owner)
}

/// The slot and token that an event is about.
pub(super) fn unpack(token: mio::Token) -> (u32, Token) {
    let slot = (token.0 >> (OWNER_BITS + LANE_BITS)) as u32;
    let lane = (token.0 >> OWNER_BITS) & ((1 << LANE_BITS) - 1);
    (slot, Token { owner: token.0 as u32 as i32, lane: lane as u16 })
}
