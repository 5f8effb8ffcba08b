/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/fail.h"

/* What its members make of it, or what is wrong with them. */
static const char *
take_members(struct ctl_message *msg)
{
	json_t *doc = msg->doc, *method = json_object_get(doc, "method");
	json_t *fds = json_object_get(doc, "fds");
	const char *version = json_string_value(
	    json_object_get(doc, "jsonrpc"));
	json_t *id = json_object_get(doc, "id");

	if (id != NULL && !json_is_integer(id) && !json_is_string(id) &&
	    !json_is_null(id))
		return "id must be an integer or a string";
	msg->id = id;
	if (version == NULL || strcmp(version, "2.0") != 0)
		return "jsonrpc must be \"2.0\"";
	if (fds != NULL &&
	    (!json_is_integer(fds) || json_integer_value(fds) < 0 ||
		json_integer_value(fds) > CTL_FDS_MAX))
		return "fds must be a number, and not more than one object "
		       "may take";
	msg->fds = (unsigned)json_integer_value(fds);
	msg->params = json_object_get(doc, "params");
	msg->result = json_object_get(doc, "result");
	msg->error = json_object_get(doc, "error");
	if (method != NULL && !json_is_string(method))
		return "method must be a string";
	msg->method = json_string_value(method);
	if (msg->params != NULL && !json_is_object(msg->params))
		return "params must be an object";
	if (method != NULL)
		return NULL;
	if (id == NULL || (msg->result == NULL) == (msg->error == NULL))
		return "a request has a method, a response an id and either a "
		       "result or an error";
	if (msg->error != NULL && !json_is_object(msg->error))
		return "error must be an object";
	return NULL;
}

int
ctl_message_parse(const char *line, size_t len, struct ctl_message *msg,
    struct epair_err *err)
{
	json_error_t why;
	const char *wrong;

	*msg = (struct ctl_message){ 0 };
	msg->doc = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	if (msg->doc == NULL) {
		(void)ctl_fail(
		    err, -EINVAL, "column %d: %s", why.column, why.text);
		return CTL_RPC_PARSE;
	}
	wrong = json_is_object(msg->doc) ? take_members(msg)
					 : "must be an object";
	if (wrong == NULL)
		return 0;
	(void)ctl_fail(err, -EINVAL, "%s", wrong);
	return CTL_RPC_REQUEST;
}

void
ctl_message_fini(struct ctl_message *msg)
{
	json_decref(msg->doc);
	*msg = (struct ctl_message){ 0 };
}

bool
ctl_put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new_nocheck(object, key, value) == 0;
}

bool
ctl_add(json_t *list, json_t *value)
{
	return json_array_append_new(list, value) == 0;
}

json_t *
ctl_whole(json_t *value, bool is_whole)
{
	if (is_whole)
		return value;
	json_decref(value);
	return NULL;
}

json_t *
ctl_request(json_int_t id, const char *method, json_t *params, unsigned fds)
{
	json_t *doc = json_pack("{s:s,s:I,s:s,s:o}", "jsonrpc", "2.0", "id", id,
	    "method", method, "params", params);

	if (doc == NULL || fds == 0)
		return doc;
	return ctl_whole(doc, ctl_put(doc, "fds", json_integer(fds)));
}

json_t *
ctl_notification(const char *method, json_t *params)
{
	return json_pack("{s:s,s:s,s:o}", "jsonrpc", "2.0", "method", method,
	    "params", params);
}

json_t *
ctl_response(json_t *id, json_t *result, unsigned fds)
{
	json_t *doc = json_pack(
	    "{s:s,s:O,s:o}", "jsonrpc", "2.0", "id", id, "result", result);

	if (doc == NULL || fds == 0)
		return doc;
	return ctl_whole(doc, ctl_put(doc, "fds", json_integer(fds)));
}

json_t *
ctl_refusal(json_t *id, int rpc, const struct epair_err *err)
{
	json_t *doc = json_pack("{s:s,s:{s:i,s:o,s:{s:s}}}", "jsonrpc", "2.0",
	    "error", "code", rpc, "message", ctl_text(err->text), "data",
	    "errno", epair_err_name(err->code));

	/* What could not be read has no id; the standard wants null then. */
	if (doc == NULL)
		return NULL;
	return ctl_whole(doc,
	    ctl_put(doc, "id", id != NULL ? json_incref(id) : json_null()));
}

/* The code of a name: "ENXIO". */
static int
code_of(const char *name)
{
	for (int code = 1; code < 134 && name != NULL; code++)
		if (strcmp(epair_err_name(code), name) == 0)
			return -code;
	return -EPROTO;
}

void
ctl_refusal_read(json_t *error, struct epair_err *err)
{
	json_t *data = json_object_get(error, "data");
	const char *text = json_string_value(json_object_get(error, "message"));
	int code = code_of(json_string_value(json_object_get(data, "errno")));

	(void)ctl_fail(
	    err, code, "%s", text != NULL ? text : "refused without a reason");
}

struct dump {
	char *text;
	size_t len, room;
};

/* What could not be appended once is not there, whatever follows. */
static int
append(const char *octets, size_t n, void *arg)
{
	struct dump *d = arg;
	size_t room = 2 * d->room;
	char *more;

	if (d->text == NULL)
		return -1;
	if (n >= d->room - d->len) {
		room = room > d->len + n ? room : d->len + n + 1;
		more = realloc(d->text, room);
		if (more == NULL) {
			free(d->text);
			d->text = NULL;
			return -1;
		}
		d->text = more;
		d->room = room;
	}
	memcpy(d->text + d->len, octets, n);
	d->len += n;
	return 0;
}

char *
ctl_dump(json_t *doc, size_t *len)
{
	struct dump d = { .text = malloc(256), .room = 256 };

	if (json_dump_callback(doc, append, &d, JSON_COMPACT) != 0 ||
	    d.text == NULL) {
		free(d.text);
		return NULL;
	}
	d.text[d.len] = '\0';
	*len = d.len;
	return d.text;
}

char *
ctl_line(json_t *doc, size_t *len)
{
	char *text = ctl_dump(doc, len);

	if (text != NULL)
		text[(*len)++] = '\n'; /* where its NUL was */
	json_decref(doc);
	return text;
}

json_t *
ctl_text(const char *text)
{
	json_t *string = json_string(text);
	char *plain;

	if (string != NULL)
		return string;
	plain = strdup(text);
	if (plain == NULL)
		return NULL;
	for (char *p = plain; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	string = json_string(plain);
	free(plain);
	return string;
}
