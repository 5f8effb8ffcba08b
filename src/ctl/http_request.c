/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request's head: pure text, read from strangers.
 */
#include <string.h>
#include <strings.h>

#include "ctl/http.h"

/* The octets up to the next line, without its end; NULL at the empty line. */
static const char *
next_line(const char *at, const char *end, size_t *len)
{
	const char *nl = memchr(at, '\n', (size_t)(end - at));

	if (nl == NULL)
		return NULL;
	*len = (size_t)(nl - at);
	if (*len > 0 && at[*len - 1] == '\r')
		--*len;
	return *len > 0 ? nl + 1 : NULL;
}

static bool
has_prefix(const char *line, size_t len, const char *prefix)
{
	return len >= strlen(prefix) &&
	       strncasecmp(line, prefix, strlen(prefix)) == 0;
}

static bool
is_word(const char *at, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(at, word, len) == 0;
}

/* "GET /metrics HTTP/1.1" */
static int
parse_first(const char *line, size_t len, struct ctl_http_request *rq)
{
	const char *end = line + len, *target, *version;
	const char *space = memchr(line, ' ', len);
	size_t method_len, target_len;

	if (space == NULL)
		return 400;
	method_len = (size_t)(space - line);
	target = space + 1;
	space = memchr(target, ' ', (size_t)(end - target));
	if (space == NULL)
		return 400;
	target_len = (size_t)(space - target);
	version = space + 1;
	if (!has_prefix(version, (size_t)(end - version), "HTTP/1.") ||
	    target_len == 0)
		return 400;
	rq->is_head = is_word(line, method_len, "HEAD");
	if (!rq->is_head && !is_word(line, method_len, "GET"))
		return 405;
	space = memchr(target, '?', target_len);
	if (space != NULL)
		target_len = (size_t)(space - target);
	return is_word(target, target_len, "/metrics") ? 200 : 404;
}

/* The empty line that ends a head. */
static bool
is_complete(const char *head, size_t n)
{
	return memmem(head, n, "\r\n\r\n", 4) != NULL ||
	       memmem(head, n, "\n\n", 2) != NULL;
}

bool
ctl_http_parse(const char *head, size_t n, struct ctl_http_request *rq)
{
	const char *end = head + n, *line = head, *next;
	size_t len = 0;

	*rq = (struct ctl_http_request){ .status = 431 };
	if (!is_complete(head, n))
		return n >= CTL_HTTP_HEAD_MAX;
	next = next_line(line, end, &len);
	if (next == NULL) {
		rq->status = 400;
		return true;
	}
	rq->status = parse_first(line, len, rq);
	while ((line = next) != NULL &&
	       (next = next_line(line, end, &len)) != NULL)
		if (has_prefix(line, len, "Accept:") &&
		    memmem(line, len, "application/openmetrics-text", 28) !=
			NULL)
			rq->dialect = CTL_OPENMETRICS;
	return true;
}
