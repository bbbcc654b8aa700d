#include "api.h"

#define API_EVENT(name)
#define API_HOST(name)
#define API_LISTENER(name, type)
#define API_METHOD(name, type, takes, arguments)                                                   \
    static chromesock_status call_##name(chromesock_app *app, const struct api_in *in,             \
                                         chromesock_callback callback, void *user_data) {          \
        (void)in;                                                                                  \
        return name arguments;                                                                     \
    }
#include "api_table.h"
#undef API_METHOD

#define API_METHOD(name, type, takes, arguments) {#name, type, takes, call_##name},
const struct api_method api_methods[] = {
#include "api_table.h"
};
#undef API_METHOD
#define API_METHOD(name, type, takes, arguments)
#undef API_LISTENER
#define API_LISTENER(name, type) \
    {#name, type, name##_add_listener, name##_remove_listener, name##_has_listener},
const struct api_listener api_listeners[] = {
#include "api_table.h"
};
#undef API_LISTENER
#define API_LISTENER(name, type)
#undef API_EVENT
#define API_EVENT(name) name,
const uint32_t api_events[] = {
#include "api_table.h"
};

const size_t api_methods_len = sizeof api_methods / sizeof api_methods[0];
const size_t api_listeners_len = sizeof api_listeners / sizeof api_listeners[0];
const size_t api_events_len = sizeof api_events / sizeof api_events[0];

int api_takes(const struct api_method *m, char what) { return strchr(m->takes, what) != NULL; }

struct api_in api_harmless(int32_t id, int32_t *new_id) {
    static const uint8_t byte = 'x';
    struct api_in in;
    memset(&in, 0, sizeof in);
    in.socket_id = id;
    in.new_id = new_id;
    in.text = "127.0.0.1";
    in.data = &byte;
    in.data_len = 1;
    return in;
}

call *api_call(fx *f, const struct api_method *m, const struct api_in *in) {
    call *c = call_entered(f, m->type, api_takes(m, 'I') ? in->socket_id : 0);
    chromesock_status s = m->call(f->app, in, f->callback, c);
    if (s != CHROMESOCK_OK) FAIL("%s: %d", m->name, (int)s);
    return c;
}
