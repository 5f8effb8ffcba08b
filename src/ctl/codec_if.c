/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/codec_if.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "ctl/codec.h"
#include "ctl/fail.h"

enum field_type { TEXT, U16, U32, U64, MAC, LETTER, BOOL };

/* A member of a struct; a table of them ends with a NULL key. */
struct field {
	const char *key;
	enum field_type type;
	size_t offset, size;
};

#define FIELD(type_, struct_, member) \
	{ \
#member, type_, offsetof(struct struct_, member), \
		    sizeof(((struct struct_ *)0)->member) \
	}

static const struct field info_fields[] = {
	FIELD(TEXT, epair_if_info, name),
	FIELD(TEXT, epair_if_info, vnet),
	FIELD(TEXT, epair_if_info, home),
	FIELD(TEXT, epair_if_info, peer),
	FIELD(TEXT, epair_if_info, peer_vnet),
	FIELD(TEXT, epair_if_info, descr),
	FIELD(TEXT, epair_if_info, attachment),
	FIELD(TEXT, epair_if_info, qdisc),
	FIELD(U32, epair_if_info, index),
	FIELD(U32, epair_if_info, peer_index),
	FIELD(U32, epair_if_info, unit),
	FIELD(LETTER, epair_if_info, side),
	FIELD(MAC, epair_if_info, mac),
	FIELD(U16, epair_if_info, fib),
	FIELD(U32, epair_if_info, mtu),
	FIELD(U32, epair_if_info, flags),
	FIELD(U32, epair_if_info, caps),
	FIELD(U32, epair_if_info, link),
	FIELD(U64, epair_if_info, baudrate),
	FIELD(U32, epair_if_info, media_current),
	FIELD(U32, epair_if_info, media_active),
	FIELD(U32, epair_if_info, media_status),
	FIELD(U32, epair_if_info, queues),
	FIELD(U32, epair_if_info, queue_limit),
	FIELD(U32, epair_if_info, multi_count),
	FIELD(U32, epair_if_info, full),
	FIELD(U32, epair_if_info, mbufs_max),
	FIELD(U64, epair_if_info, place),
	FIELD(BOOL, epair_if_info, by_vnet),
	{ NULL },
};

static const struct field stats_fields[] = {
	FIELD(U64, epair_if_stats, ipackets),
	FIELD(U64, epair_if_stats, ibytes),
	FIELD(U64, epair_if_stats, imcasts),
	FIELD(U64, epair_if_stats, ierrors),
	FIELD(U64, epair_if_stats, opackets),
	FIELD(U64, epair_if_stats, obytes),
	FIELD(U64, epair_if_stats, omcasts),
	FIELD(U64, epair_if_stats, oerrors),
	FIELD(U64, epair_if_stats, oqdrops),
	FIELD(U64, epair_if_stats, queued),
	FIELD(U64, epair_if_stats, delivered),
	FIELD(U64, epair_if_stats, waits),
	{ NULL },
};

static const struct field event_fields[] = {
	FIELD(U32, epair_event, index),
	FIELD(U64, epair_event, time_ns),
	FIELD(U64, epair_event, missing),
	FIELD(TEXT, epair_event, vnet),
	FIELD(TEXT, epair_event, name),
	FIELD(TEXT, epair_event, old_vnet),
	FIELD(TEXT, epair_event, old_name),
	FIELD(U32, epair_event, flags),
	FIELD(U32, epair_event, link),
	FIELD(TEXT, epair_event, detail),
	{ NULL },
};

static const struct field link_fields[] = {
	{ "impairments", TEXT, offsetof(struct ctl_if, link),
	    EPAIR_LINK_TEXT_MAX },
	{ NULL },
};

static json_t *
integer(uint64_t n)
{
	return n == 0 ? NULL : json_integer((json_int_t)n);
}

/* The value of a field, or NULL if there is nothing to say. */
static json_t *
encode(const struct field *f, const void *at)
{
	char text[18];
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	const uint8_t *mac = at;

	switch (f->type) {
	case TEXT:
		return *(const char *)at != '\0' ? ctl_text(at) : NULL;
	case U16:
		memcpy(&u16, at, sizeof(u16));
		return integer(u16);
	case U32:
		memcpy(&u32, at, sizeof(u32));
		return integer(u32);
	case U64:
		memcpy(&u64, at, sizeof(u64));
		return integer(u64);
	case BOOL:
		return *(const bool *)at ? json_true() : NULL;
	case LETTER:
		return *(const char *)at != '\0' ? json_stringn(at, 1) : NULL;
	case MAC:
	default:
		(void)snprintf(text, sizeof(text),
		    "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		    mac[3], mac[4], mac[5]);
		return json_string(text);
	}
}

/* What memory does not hold is left out, as json_pack would fail as a whole. */
static json_t *
encode_all(const struct field *fields, const void *from)
{
	json_t *object = json_object(), *value;

	for (const struct field *f = fields; object && f->key != NULL; f++) {
		value = encode(f, (const char *)from + f->offset);
		if (value != NULL)
			(void)json_object_set_new_nocheck(
			    object, f->key, value);
	}
	return object;
}

/* Store a number if it fits. */
static const char *
store(const struct field *f, json_t *value, void *at)
{
	json_int_t n = json_integer_value(value);
	uint64_t u64 = (uint64_t)n;
	uint32_t u32 = (uint32_t)u64;
	uint16_t u16 = (uint16_t)u64;

	if (!json_is_integer(value))
		return "must be an integer";
	if (f->type != U64 &&
	    (n < 0 || u64 > (f->type == U16 ? UINT16_MAX : UINT32_MAX)))
		return "is out of range";
	if (f->type == U16)
		memcpy(at, &u16, sizeof(u16));
	else if (f->type == U32)
		memcpy(at, &u32, sizeof(u32));
	else
		memcpy(at, &u64, sizeof(u64));
	return NULL;
}

static const char *
decode_mac(const char *text, uint8_t mac[6])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 12; i++) {
		const char *digit = *text != '\0' ? strchr(digits, *text++)
						  : NULL;

		if (digit == NULL)
			return "must be a MAC address";
		mac[i / 2] = (uint8_t)(mac[i / 2] << 4 | (digit - digits));
		if (i % 2 == 1 && *text++ != (i < 11 ? ':' : '\0'))
			return "must be a MAC address";
	}
	return NULL;
}

/* Returns NULL, or what is wrong with the value. */
static const char *
decode(const struct field *f, json_t *value, void *at)
{
	const char *text = json_string_value(value);

	if (f->type == U16 || f->type == U32 || f->type == U64)
		return store(f, value, at);
	if (f->type == BOOL) {
		*(bool *)at = json_is_true(value);
		return json_is_boolean(value) ? NULL : "must be true or false";
	}
	if (text == NULL)
		return "must be a string";
	if (f->type == MAC)
		return decode_mac(text, at);
	if (f->type == LETTER) {
		*(char *)at = *text;
		return NULL;
	}
	if (strlen(text) >= f->size)
		return "is too long";
	strcpy(at, text);
	return NULL;
}

static int
decode_all(const struct field *fields, json_t *object, void *into,
    struct epair_err *err)
{
	if (!json_is_object(object))
		return ctl_fail(err, -EINVAL, "must be an object");
	for (const struct field *f = fields; f->key != NULL; f++) {
		json_t *value = json_object_get(object, f->key);
		const char *wrong =
		    value != NULL ? decode(f, value, (char *)into + f->offset)
				  : NULL;

		if (wrong != NULL)
			return ctl_fail(err, -EINVAL, "%s %s", f->key, wrong);
	}
	return 0;
}

static json_t *
stats_encode(const struct epair_if_stats *stats)
{
	json_t *object = encode_all(stats_fields, stats), *drops = NULL;

	for (unsigned i = 0; object != NULL && i < EPAIR_DROP_MAX; i++) {
		if (stats->drops[i] == 0)
			continue;
		drops = drops != NULL ? drops : json_object();
		(void)json_object_set_new(
		    drops, epair_drop_word(i), integer(stats->drops[i]));
	}
	if (drops != NULL)
		(void)json_object_set_new(object, "drops", drops);
	return object;
}

/* A reason that this side does not know yet is passed over. */
static int
stats_decode(
    json_t *object, struct epair_if_stats *stats, struct epair_err *err)
{
	int error = decode_all(stats_fields, object, stats, err);
	json_t *drops = json_object_get(object, "drops");

	for (unsigned i = 0; i < EPAIR_DROP_MAX; i++)
		stats->drops[i] = (uint64_t)json_integer_value(
		    json_object_get(drops, epair_drop_word(i)));
	return error;
}

json_t *
ctl_if_encode(const struct epair_if_info *info,
    const struct epair_if_stats *stats, const char *link)
{
	json_t *object = encode_all(info_fields, info);

	if (object == NULL)
		return NULL;
	if (link != NULL && *link != '\0' && strcmp(link, "none") != 0)
		(void)json_object_set_new(
		    object, "impairments", ctl_text(link));
	if (stats != NULL)
		(void)json_object_set_new(object, "stats", stats_encode(stats));
	return object;
}

int
ctl_if_decode(json_t *object, struct ctl_if *ifc, struct epair_err *err)
{
	json_t *stats = json_object_get(object, "stats");
	int error;

	*ifc = (struct ctl_if){ .info = { .size = sizeof(ifc->info) },
		.stats = { .size = sizeof(ifc->stats) } };
	error = decode_all(info_fields, object, &ifc->info, err);
	if (error == 0)
		error = decode_all(link_fields, object, ifc, err);
	if (error == 0 && stats != NULL)
		error = stats_decode(stats, &ifc->stats, err);
	return error;
}

json_t *
ctl_event_encode(const struct epair_event *ev)
{
	json_t *object = encode_all(event_fields, ev);
	const char *word = epair_event_word(ev->type);

	if (object != NULL && word != NULL)
		(void)json_object_set_new(object, "type", json_string(word));
	return object;
}

int
ctl_event_decode(json_t *object, struct epair_event *ev, struct epair_err *err)
{
	const char *word = json_string_value(json_object_get(object, "type"));
	int error;

	*ev = (struct epair_event){ .type = EPAIR_EVENT_MAX };
	error = decode_all(event_fields, object, ev, err);
	for (unsigned i = 0; word != NULL && i < EPAIR_EVENT_MAX; i++)
		if (strcmp(word, epair_event_word(i)) == 0)
			ev->type = i;
	return error;
}
