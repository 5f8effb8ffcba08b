/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/field.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "ctl/codec.h"
#include "ctl/fail.h"

static uint64_t
number(const struct ctl_field *f, const void *at)
{
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (f->type) {
	case CTL_U16:
		memcpy(&u16, at, sizeof(u16));
		return u16;
	case CTL_U32:
		memcpy(&u32, at, sizeof(u32));
		return u32;
	default:
		memcpy(&u64, at, sizeof(u64));
		return u64;
	}
}

static bool
put_number(json_t *object, const char *key, uint64_t n)
{
	return n == 0 || ctl_put(object, key, json_integer((json_int_t)n));
}

static bool
put_numbers(json_t *object, const struct ctl_field *f, const uint64_t *numbers)
{
	size_t count = f->size / sizeof(*numbers);
	json_t *list;
	bool is_whole = true;

	while (count > 0 && numbers[count - 1] == 0)
		count--;
	if (count == 0)
		return true;
	list = json_array();
	for (size_t i = 0; i < count && is_whole; i++)
		is_whole = ctl_add(list, json_integer((json_int_t)numbers[i]));
	return ctl_put(object, f->key, ctl_whole(list, is_whole));
}

static bool
put_mac(json_t *object, const char *key, const uint8_t mac[6])
{
	char text[18];

	(void)snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x",
	    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return ctl_put(object, key, json_string(text));
}

/* Say what there is to say of a field. */
static bool
encode(json_t *object, const struct ctl_field *f, const void *at)
{
	switch (f->type) {
	case CTL_TEXT:
		return *(const char *)at == '\0' ||
		       ctl_put(object, f->key, ctl_text(at));
	case CTL_LETTER:
		return *(const char *)at == '\0' ||
		       ctl_put(object, f->key, json_stringn(at, 1));
	case CTL_BOOL:
		return !*(const bool *)at ||
		       ctl_put(object, f->key, json_true());
	case CTL_MAC:
		return put_mac(object, f->key, at);
	case CTL_U64S:
		return put_numbers(object, f, at);
	case CTL_U16:
	case CTL_U32:
	case CTL_U64:
	default:
		return put_number(object, f->key, number(f, at));
	}
}

json_t *
ctl_fields_encode(const struct ctl_field *fields, const void *from)
{
	json_t *object = json_object();
	bool is_whole = true;

	for (const struct ctl_field *f = fields; is_whole && f->key; f++)
		is_whole = encode(object, f, (const char *)from + f->offset);
	return ctl_whole(object, is_whole);
}

/* Store a number if it fits. */
static const char *
store(const struct ctl_field *f, json_t *value, void *at)
{
	json_int_t n = json_integer_value(value);
	uint64_t u64 = (uint64_t)n;
	uint32_t u32 = (uint32_t)u64;
	uint16_t u16 = (uint16_t)u64;

	if (!json_is_integer(value))
		return "must be an integer";
	if (f->type != CTL_U64 &&
	    (n < 0 || u64 > (f->type == CTL_U16 ? UINT16_MAX : UINT32_MAX)))
		return "is out of range";
	if (f->type == CTL_U16)
		memcpy(at, &u16, sizeof(u16));
	else if (f->type == CTL_U32)
		memcpy(at, &u32, sizeof(u32));
	else
		memcpy(at, &u64, sizeof(u64));
	return NULL;
}

static const char *
store_all(const struct ctl_field *f, json_t *list, uint64_t *numbers)
{
	json_t *value;
	size_t i;

	if (!json_is_array(list))
		return "must be an array";
	if (json_array_size(list) > f->size / sizeof(*numbers))
		return "is too long";
	json_array_foreach(list, i, value)
	{
		if (!json_is_integer(value))
			return "must be an array of integers";
		numbers[i] = (uint64_t)json_integer_value(value);
	}
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

static const char *
decode_text(const struct ctl_field *f, const char *text, char *at)
{
	if (text == NULL)
		return "must be a string";
	if (f->type == CTL_MAC)
		return decode_mac(text, (uint8_t *)at);
	if (f->type == CTL_LETTER) {
		*at = *text;
		return NULL;
	}
	if (strlen(text) >= f->size)
		return "is too long";
	strcpy(at, text);
	return NULL;
}

/* Returns NULL, or what is wrong with the value. */
static const char *
decode(const struct ctl_field *f, json_t *value, void *at)
{
	switch (f->type) {
	case CTL_U16:
	case CTL_U32:
	case CTL_U64:
		return store(f, value, at);
	case CTL_U64S:
		return store_all(f, value, at);
	case CTL_BOOL:
		*(bool *)at = json_is_true(value);
		return json_is_boolean(value) ? NULL : "must be true or false";
	case CTL_TEXT:
	case CTL_MAC:
	case CTL_LETTER:
	default:
		return decode_text(f, json_string_value(value), at);
	}
}

int
ctl_fields_decode(const struct ctl_field *fields, json_t *object, void *into,
    struct epair_err *err)
{
	if (!json_is_object(object))
		return ctl_fail(err, -EINVAL, "must be an object");
	for (const struct ctl_field *f = fields; f->key != NULL; f++) {
		json_t *value = json_object_get(object, f->key);
		const char *wrong =
		    value != NULL ? decode(f, value, (char *)into + f->offset)
				  : NULL;

		if (wrong != NULL)
			return ctl_fail(err, -EINVAL, "%s %s", f->key, wrong);
	}
	return 0;
}
