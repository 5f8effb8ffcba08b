/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <yaml.h>

#include <epair/err.h>

#include "ctl/fail.h"

struct reader {
	yaml_parser_t parser;
	json_t *stack[CONFIG_DEPTH_MAX]; /* borrowed, but for the first */
	json_t *keys[CONFIG_DEPTH_MAX]; /* that waits for its value, or NULL */
	unsigned depth;
	json_t *root;
	struct epair_err *err;
};

static int
wrong(struct reader *r, const yaml_mark_t *at, const char *what)
{
	return ctl_fail(r->err, -EINVAL, "line %zu: %s", at->line + 1, what);
}

/* Put a value where it belongs. Takes it. */
static int
put(struct reader *r, const yaml_mark_t *at, json_t *value)
{
	json_t *into = r->depth > 0 ? r->stack[r->depth - 1] : NULL;
	json_t **key = r->depth > 0 ? &r->keys[r->depth - 1] : NULL;
	int error = 0;

	if (value == NULL)
		return ctl_fail(r->err, -EINVAL,
		    "line %zu: is no UTF-8 text, or there is no memory",
		    at->line + 1);
	if (into == NULL) {
		r->root = value;
		return 0;
	}
	if (json_is_array(into))
		return json_array_append_new(into, value) == 0
			   ? 0
			   : ctl_fail(r->err, -ENOMEM, "no memory");
	if (*key == NULL) {
		if (!json_is_string(value))
			error = wrong(r, at, "a key must be a word");
		else if (json_object_get(into, json_string_value(value)) !=
			 NULL)
			error = wrong(r, at, "this key is there twice");
		if (error == 0)
			*key = value;
		else
			json_decref(value);
		return error;
	}
	if (json_object_set_new(into, json_string_value(*key), value) != 0)
		error = ctl_fail(r->err, -ENOMEM, "no memory");
	json_decref(*key);
	*key = NULL;
	return error;
}

/* A mapping or sequence begins. */
static int
push(struct reader *r, const yaml_mark_t *at, json_t *value)
{
	int error;

	if (r->depth == CONFIG_DEPTH_MAX) {
		json_decref(value);
		return wrong(r, at, "is nested too deep");
	}
	error = put(r, at, value);
	if (error != 0)
		return error;
	/* It is its parent's now, or the root. */
	r->stack[r->depth] = value;
	r->keys[r->depth] = NULL;
	r->depth++;
	return 0;
}

static int
take(struct reader *r, const yaml_event_t *ev, unsigned *documents)
{
	const yaml_mark_t *at = &ev->start_mark;

	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		return (*documents)++ == 0
			   ? 0
			   : wrong(r, at, "there is a second document");
	case YAML_ALIAS_EVENT:
		return wrong(r, at, "aliases are not taken");
	case YAML_SCALAR_EVENT:
		/* Written again, an empty one would be no document at all. */
		if (r->depth == 0)
			return wrong(r, at, "must be a mapping, not one word");
		if (ev->data.scalar.anchor != NULL ||
		    ev->data.scalar.tag != NULL)
			return wrong(r, at, "anchors and tags are not taken");
		if (memchr(ev->data.scalar.value, '\0',
			ev->data.scalar.length) != NULL)
			return wrong(r, at, "there is a NUL in it");
		return put(r, at,
		    json_stringn((const char *)ev->data.scalar.value,
			ev->data.scalar.length));
	case YAML_MAPPING_START_EVENT:
		if (ev->data.mapping_start.anchor != NULL ||
		    ev->data.mapping_start.tag != NULL)
			return wrong(r, at, "anchors and tags are not taken");
		return push(r, at, json_object());
	case YAML_SEQUENCE_START_EVENT:
		if (ev->data.sequence_start.anchor != NULL ||
		    ev->data.sequence_start.tag != NULL)
			return wrong(r, at, "anchors and tags are not taken");
		return push(r, at, json_array());
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		r->depth--;
		return 0;
	default:
		return 0;
	}
}

static int
read_all(struct reader *r)
{
	unsigned documents = 0;
	yaml_event_t ev;
	bool is_end;
	int error;

	for (;;) {
		if (!yaml_parser_parse(&r->parser, &ev))
			return ctl_fail(r->err, -EINVAL, "line %zu: %s",
			    r->parser.problem_mark.line + 1,
			    r->parser.problem != NULL ? r->parser.problem
						      : "cannot be read");
		error = take(r, &ev, &documents);
		is_end = ev.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
		if (error != 0 || is_end)
			return error;
	}
}

int
config_read(FILE *f, json_t **doc, struct epair_err *err)
{
	struct reader r = { .err = err };
	int error, why;

	if (!yaml_parser_initialize(&r.parser))
		return ctl_fail(err, -ENOMEM, "no memory");
	yaml_parser_set_input_file(&r.parser, f);
	error = read_all(&r);
	why = errno;
	/* The parser has a line for it where there is none, as in a folder. */
	if (error != 0 && ferror(f) != 0)
		error = ctl_fail(err, -why, "%s", strerror(why));
	yaml_parser_delete(&r.parser);
	/* Where it broke off, keys may still wait for their values. */
	for (unsigned i = 0; i < CONFIG_DEPTH_MAX; i++)
		json_decref(r.keys[i]);
	if (error == 0 && r.root == NULL)
		r.root = json_object();
	if (error == 0)
		*doc = r.root;
	else
		json_decref(r.root);
	return error;
}

/* An event to be written; consumed also where that fails. */
static bool
emit(yaml_emitter_t *e, yaml_event_t *ev, int made)
{
	return made != 0 && yaml_emitter_emit(e, ev) != 0;
}

/* Not const where the library only reads. */
static yaml_char_t *
octets(const char *text)
{
	return (yaml_char_t *)(uintptr_t)text;
}

static bool
emit_text(yaml_emitter_t *e, const char *text)
{
	yaml_event_t ev;

	return emit(e, &ev,
	    yaml_scalar_event_initialize(&ev, NULL, NULL, octets(text),
		(int)strlen(text), 1, 1, YAML_ANY_SCALAR_STYLE));
}

static bool
emit_leaf(yaml_emitter_t *e, json_t *value)
{
	char number[32];

	if (json_is_string(value))
		return emit_text(e, json_string_value(value));
	if (json_is_integer(value)) {
		(void)snprintf(number, sizeof(number), "%lld",
		    (long long)json_integer_value(value));
		return emit_text(e, number);
	}
	return emit_text(e, json_is_true(value) ? "on" : "off");
}

static bool
/* NOLINTNEXTLINE(misc-no-recursion): as deep as what the daemon sent */
emit_value(yaml_emitter_t *e, json_t *value)
{
	yaml_event_t ev;
	const char *key;
	json_t *member;
	bool ok;
	size_t i;

	if (json_is_object(value)) {
		ok = emit(e, &ev,
		    yaml_mapping_start_event_initialize(
			&ev, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
		json_object_foreach(value, key, member)
		    ok = ok && emit_text(e, key) && emit_value(e, member);
		return ok &&
		       emit(e, &ev, yaml_mapping_end_event_initialize(&ev));
	}
	if (!json_is_array(value))
		return emit_leaf(e, value);
	ok = emit(e, &ev,
	    yaml_sequence_start_event_initialize(
		&ev, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
	json_array_foreach(value, i, member) ok = ok && emit_value(e, member);
	return ok && emit(e, &ev, yaml_sequence_end_event_initialize(&ev));
}

int
config_write(FILE *f, json_t *doc)
{
	yaml_emitter_t e;
	yaml_event_t ev;
	int why;
	bool ok;

	if (!yaml_emitter_initialize(&e))
		return -ENOMEM;
	errno = 0;
	yaml_emitter_set_output_file(&e, f);
	yaml_emitter_set_unicode(&e, 1);
	/* A line of words stays one line. */
	yaml_emitter_set_width(&e, -1);
	ok = emit(&e, &ev,
		 yaml_stream_start_event_initialize(&ev, YAML_UTF8_ENCODING)) &&
	     emit(&e, &ev,
		 yaml_document_start_event_initialize(
		     &ev, NULL, NULL, NULL, 1)) &&
	     emit_value(&e, doc) &&
	     emit(&e, &ev, yaml_document_end_event_initialize(&ev, 1)) &&
	     emit(&e, &ev, yaml_stream_end_event_initialize(&ev));
	ok = ok && fflush(f) == 0;
	why = errno;
	yaml_emitter_delete(&e);
	return ok ? 0 : why != 0 ? -why : -EIO;
}
