/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/spec.h - `kind:key=value,key=value`, as attachments and disciplines
 * are written.
 *
 * Grammar: kind is [A-Za-z][A-Za-z0-9_-]*, so that what others call fq_codel is
 * refused by who knows the kinds; a key likewise; a value is any octets but
 * NUL, where `\,` stands for a comma and `\\` for a backslash; a key without
 * `=` is the value "" (a BOOL takes it as "on", all others refuse it). Limits:
 * the whole text 4095 octets, 64 keys.
 *
 * A table of struct ep_opt says which keys there are, and ep_spec_fill() lays
 * the values down in a struct of the caller's by offset. Every error names the
 * key, what was wrong, and what is allowed; an unknown key's error lists the
 * known ones.
 */
#ifndef EP_BASE_SPEC_H
#define EP_BASE_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <epair/err.h>

#define EP_SPEC_TEXT_MAX 4096
#define EP_SPEC_KEYS_MAX 64

struct ep_spec_pair {
	const char *key;
	const char *value;
};

struct ep_spec {
	const char *kind; /* into text */
	unsigned count;
	struct ep_spec_pair pairs[EP_SPEC_KEYS_MAX];
	char text[EP_SPEC_TEXT_MAX]; /* unescaped pieces, NUL between them */
};

/*
 * Take a text apart. *spec holds copies; nothing to free.
 * Returns 0, or -EINVAL with a sentence.
 */
int ep_spec_parse(
    const char *text, struct ep_spec *spec, struct epair_err *err);

/* A CIDR or plain address as ep_spec_fill() lays it down. */
struct ep_addr {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t prefix; /* 32 or 128 when no /N was written */
	uint8_t octets[16];
};

enum ep_opt_type {
	EP_OPT_TEXT, /* const char *, into the spec: copy what you keep */
	EP_OPT_U32, /* uint32_t in min..max */
	EP_OPT_U64, /* uint64_t in min..max */
	EP_OPT_SIZE, /* uint64_t octets: 1500, 64k, 2M (powers of 1024) */
	EP_OPT_RATE, /* uint64_t: 1000, 10k, 1.5M, 10G (powers of 1000) */
	EP_OPT_TIME, /* uint64_t ns: 10ms, 5us, 1.5s, 100ns; unit required */
	EP_OPT_BOOL, /* bool: on/off/yes/no/true/false/1/0, "" is on */
	EP_OPT_CHOICE, /* unsigned: index into choices */
	EP_OPT_ADDR, /* struct ep_addr: address without prefix */
	EP_OPT_CIDR, /* struct ep_addr: address/prefix */
	EP_OPT_MAC, /* uint8_t[6] */
};

struct ep_opt {
	const char *key;
	const char *form; /* for help and errors: "CIDR", "N", "on|off" */
	enum ep_opt_type type;
	size_t offset; /* of the value in the struct */
	/*
	 * A key that may be repeated: offset is that of an array of `many`
	 * values, and many_offset that of an `unsigned` that counts them.
	 * Else both are 0 and a repeated key is an error.
	 */
	unsigned many;
	bool required;
	size_t many_offset;
	uint64_t min, max; /* U32, U64, SIZE, RATE, TIME; max 0: no bound */
	const char *const *choices; /* CHOICE: NULL-terminated */
};

/*
 * Lay the values of *spec down in the struct at conf, by a table that ends
 * with a NULL key. What is not written stays as it is in conf.
 * Returns 0, or -EINVAL with a sentence; conf is then half filled.
 */
int ep_spec_fill(const struct ep_spec *spec, const struct ep_opt *table,
    void *conf, struct epair_err *err);

/* One MAC address, "02:00:00:00:00:01". Returns whether it is one. */
bool ep_spec_mac(const char *text, uint8_t mac[6]);

#endif /* EP_BASE_SPEC_H */
