// The same server on Asio, as its documents and examples advise: one loop that one thread runs, a queue of
// messages for each connection that writes one after the other, asio::post for the foreign thread's sends.
#include "asio_host.hpp"

extern "C" {
#include "foreign.h"
}

#include <deque>
#include <memory>

namespace {

using asio::ip::tcp;

mode served;
uint8_t block[BLOCK];
asio::io_context *loop;

class Connection : public std::enable_shared_from_this<Connection> {
public:
    explicit Connection(tcp::socket socket) : socket_(std::move(socket)), buffer_(served == MODE_SINK ? BLOCK : 4096) {}

    void start()
    {
        read();
        if (served == MODE_SOURCE) {
            write_block();
        } else if (served == MODE_FOREIGN) {
            foreign_start(&foreign_, submit, this);
        }
    }

private:
    void read()
    {
        socket_.async_read_some(asio::buffer(buffer_),
                                [self = shared_from_this()](const asio::error_code &error, std::size_t n) {
                                    error ? self->end() : self->take(n);
                                });
    }

    void take(std::size_t n)
    {
        if (served == MODE_ECHO) {
            asio::async_write(socket_, asio::buffer(buffer_.data(), n),
                              [self = shared_from_this()](const asio::error_code &error, std::size_t) {
                                  error ? self->end() : self->read();
                              });
            return;
        }
        if (served == MODE_QUEUED) {
            for (uint64_t i = 0; i < QUEUED; i++) {
                put(small_send(block, i), SMALL);
            }
        }
        for (uint64_t owed = served == MODE_SINK ? acks_owed(&count_, n) : 0; owed > 0; owed--) {
            put(reinterpret_cast<const uint8_t *>("a"), 1);
        }
        read();
    }

    void write_block()
    {
        asio::async_write(socket_, asio::buffer(block),
                          [self = shared_from_this()](const asio::error_code &error, std::size_t) {
                              error ? self->end() : self->write_block();
                          });
    }

    void put(const uint8_t *data, std::size_t len)
    {
        messages_.emplace_back(data, len);
        if (messages_.size() == 1) {
            write_next();
        }
    }

    void write_next()
    {
        asio::async_write(socket_, messages_.front(),
                          [self = shared_from_this()](const asio::error_code &error, std::size_t) {
                              error ? self->end() : self->written();
                          });
    }

    void written()
    {
        messages_.pop_front();
        if (served == MODE_FOREIGN) {
            foreign_finish(&foreign_, 1);
        } else if (served == MODE_QUEUED && ++count_ == QUEUED) {
            messages_.emplace_back("d", 1);
        } else if (count_ == QUEUED + 1) {
            count_ = 0; // that byte
        }
        if (!messages_.empty()) {
            write_next();
        }
    }

    static void submit(void *target, uint64_t number)
    {
        auto *connection = static_cast<Connection *>(target);
        asio::post(*loop, [self = connection->shared_from_this(), number] {
            self->put(small_send(block, number), SMALL);
        });
    }

    void end()
    {
        if (socket_.is_open()) {
            if (served == MODE_FOREIGN) {
                foreign_stop(&foreign_);
            }
            asio::error_code ignored;
            socket_.close(ignored);
        }
    }

    tcp::socket socket_;
    std::vector<uint8_t> buffer_;
    std::deque<asio::const_buffer> messages_;
    uint64_t count_ = 0;
    foreign foreign_{};
};

void accept(tcp::acceptor &acceptor)
{
    acceptor.async_accept([&](const asio::error_code &error, tcp::socket socket) {
        if (error) {
            fprintf(stderr, "accept: %s\n", error.message().c_str());
            exit(1);
        }
        std::make_shared<Connection>(std::move(socket))->start();
        accept(acceptor);
    });
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 2 || !parse_mode(argv[1], &served)) {
        fprintf(stderr, "server_asio echo|sink|source|queued|foreign\n");
        return 2;
    }
    raise_descriptor_limit();
    fill_pattern(block);
    // With one thread Asio may leave out its locks.
    asio::io_context context(served == MODE_FOREIGN ? ASIO_CONCURRENCY_HINT_SAFE : ASIO_CONCURRENCY_HINT_UNSAFE);
    loop = &context;
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    set_listener_options(acceptor.native_handle());
    tell_port(acceptor.local_endpoint().port());
    accept(acceptor);
    run_until_end_of_input(context);
    _exit(0); // nothing here needs to be taken apart, and connections hold themselves
}
