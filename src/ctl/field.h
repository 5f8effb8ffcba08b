/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/field.h - structs as objects: tables of members.
 *
 * What is 0 or "" is left out, and what is left out is that; of an array what is
 * 0 at its end. Members that a table does not know are passed over.
 */
#ifndef EP_CTL_FIELD_H
#define EP_CTL_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <epair/err.h>

enum ctl_field_type {
	CTL_TEXT,
	CTL_U16,
	CTL_U32,
	CTL_U64,
	CTL_U64S, /* an array */
	CTL_MAC,
	CTL_LETTER,
	CTL_BOOL,
};

/* A member of a struct; a table of them ends with a NULL key. */
struct ctl_field {
	const char *key;
	enum ctl_field_type type;
	size_t offset, size;
};

#define CTL_FIELD(type_, struct_, member) \
	{ \
#member, CTL_##type_, offsetof(struct struct_, member), \
		    sizeof(((struct struct_ *)0)->member) \
	}

/* A new object, with all that there is to say; or NULL. */
json_t *ctl_fields_encode(const struct ctl_field *fields, const void *from);

/* Returns 0, or -EINVAL naming the member. */
int ctl_fields_decode(const struct ctl_field *fields, json_t *object,
    void *into, struct epair_err *err);

#endif /* EP_CTL_FIELD_H */
