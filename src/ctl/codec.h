/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/codec.h - what is said between tool and daemon: bytes to struct and back,
 * without a socket.
 *
 * JSON-RPC 2.0, one object a line, no batches. An object may have a member
 * `fds` beside those of the standard: how many descriptors it takes from the
 * connection. epair-protocol(7) is the description for users.
 *
 * What comes in is a stranger's: a line is at most as long as the reader of
 * struct ctl_lines allows, members that there are twice, NUL in strings and
 * what is not UTF-8 are refused, and so is nesting deeper than jansson's 2048.
 */
#ifndef EP_CTL_CODEC_H
#define EP_CTL_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <epair/err.h>
#include <epair/state.h>

/* Descriptors that one object may take: all that an end may have. */
#define CTL_FDS_MAX (EPAIR_ATTACH_FDS_MAX + EPAIR_LINK_FDS_MAX)

/* Codes of JSON-RPC, and the one for what the daemon did not do. */
enum ctl_rpc {
	CTL_RPC_PARSE = -32700,
	CTL_RPC_REQUEST = -32600,
	CTL_RPC_METHOD = -32601,
	CTL_RPC_PARAMS = -32602,
	CTL_RPC_REFUSED = -32000,
};

/* One object. All but doc is doc's. */
struct ctl_message {
	json_t *doc;
	json_t *id; /* NULL: a notification */
	const char *method; /* NULL: a response */
	json_t *params; /* an object, or NULL */
	json_t *result, *error; /* of a response: one of them */
	unsigned fds;
};

/*
 * Read a line (its newline may be there or not). Gives *msg, to be ended with
 * ctl_message_fini(), also on failure: an id that could be read is in it then.
 * Returns 0, or CTL_RPC_PARSE or CTL_RPC_REQUEST with a sentence.
 */
int ctl_message_parse(const char *line, size_t len, struct ctl_message *msg,
    struct epair_err *err);
void ctl_message_fini(struct ctl_message *msg);

/*
 * The objects. Each takes params or result (NULL for lack of memory is passed
 * on) and borrows id. Returns a new reference, or NULL.
 */
json_t *ctl_request(
    json_int_t id, const char *method, json_t *params, unsigned fds);
json_t *ctl_notification(const char *method, json_t *params);
json_t *ctl_response(json_t *id, json_t *result, unsigned fds);
json_t *ctl_refusal(json_t *id, int rpc, const struct epair_err *err);

/* What a refusal says, as the call that it answers would have failed. */
void ctl_refusal_read(json_t *error, struct epair_err *err);

/*
 * The text of an object, compact; *len is its length. doc may be NULL. Returns
 * it, to be freed, or NULL for want of memory. (json_dumps() of jansson 2.14
 * looks away when it is a key that cannot be appended, and leaves it out.)
 */
char *ctl_dump(json_t *doc, size_t *len);

/*
 * The line of an object, with its newline; *len is its length. Takes doc.
 * Returns it, to be freed, or NULL for want of memory.
 */
char *ctl_line(json_t *doc, size_t *len);

/*
 * Building: put value, which may be NULL for want of memory, into an object
 * or behind a list, which may be too. Takes value. Returns whether it is there.
 */
bool ctl_put(json_t *object, const char *key, json_t *value);
bool ctl_add(json_t *list, json_t *value);

/* Takes value, and gives it back if all of it is there; else NULL. */
json_t *ctl_whole(json_t *value, bool is_whole);

/* A string; what is not UTF-8 - it was cut off somewhere - with ? instead. */
json_t *ctl_text(const char *text);

/*
 * Lines out of a stream, in a buffer that grows up to max octets.
 *
 *	L1  done <= seen <= len <= size, size <= max + 1
 *	L2  no newline in done .. seen
 */
struct ctl_lines {
	char *buf;
	size_t size, len; /* allocated; filled */
	size_t done, seen; /* given away; looked at */
	size_t max; /* of a line, its newline apart; may be changed */
};

/*
 * Room behind what is there: at least one octet at *at, *room of them.
 * Returns 0; -EMSGSIZE if what waits is no line yet and already longer than a
 * line may be; -ENOMEM.
 */
int ctl_lines_room(struct ctl_lines *l, char **at, size_t *room);

/* n octets were put there. */
void ctl_lines_add(struct ctl_lines *l, size_t n);

/*
 * The next whole line, without its newline; it is the buffer's, until the next
 * ctl_lines_room(). Returns whether there is one.
 */
bool ctl_lines_next(struct ctl_lines *l, const char **line, size_t *len);

/* Whether a whole line waits, and whether anything at all does. */
bool ctl_lines_has_line(struct ctl_lines *l);
bool ctl_lines_is_empty(const struct ctl_lines *l);

void ctl_lines_fini(struct ctl_lines *l);

#endif /* EP_CTL_CODEC_H */
