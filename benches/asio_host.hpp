// What both Asio servers share: the loop, which ends with standard input.
#pragma once

#include <asio.hpp>
#include <unistd.h>

inline void run_until_end_of_input(asio::io_context &context)
{
    static char drained[256];
    asio::posix::stream_descriptor input(context, ::dup(STDIN_FILENO));
    input.async_read_some(asio::buffer(drained), [&](const asio::error_code &, std::size_t) { context.stop(); });
    context.run();
}
