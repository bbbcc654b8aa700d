//! Whether the system gives random numbers. Where it refuses, the cryptography of TLS would end the process.

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn gives_random_numbers() -> bool {
    use rustix::io::Errno;
    use rustix::rand::{GetRandomFlags, getrandom};
    match getrandom(&mut [0_u8], GetRandomFlags::NONBLOCK) {
        // Too early, or on a system too old for the call, there are other ways.
        Ok(_) | Err(Errno::AGAIN | Errno::INTR | Errno::NOSYS) => true,
        Err(_) => false,
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn gives_random_numbers() -> bool {
    true
}
