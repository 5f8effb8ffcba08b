/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/codec.h"

#define LINES_MIN 4096u

static int
grow(struct ctl_lines *l)
{
	size_t size = l->size == 0 ? LINES_MIN : l->size * 2;
	char *buf;

	/* One more than a line, for its newline. */
	if (size > l->max + 1)
		size = l->max + 1;
	if (size <= l->size)
		return -EMSGSIZE;
	buf = realloc(l->buf, size);
	if (buf == NULL)
		return -ENOMEM;
	l->buf = buf;
	l->size = size;
	return 0;
}

int
ctl_lines_room(struct ctl_lines *l, char **at, size_t *room)
{
	int error = 0;

	if (l->done > 0) {
		memmove(l->buf, l->buf + l->done, l->len - l->done);
		l->len -= l->done;
		l->seen -= l->done;
		l->done = 0;
	}
	/* A long line is over: what it took is given back. */
	if (l->len == 0 && l->size > (size_t)16 * LINES_MIN)
		ctl_lines_fini(l);
	if (l->len == l->size)
		error = grow(l);
	if (error != 0)
		return error;
	*at = l->buf + l->len;
	*room = l->size - l->len;
	return 0;
}

void
ctl_lines_add(struct ctl_lines *l, size_t n)
{
	l->len += n;
}

/* Look on to the next newline; seen stands on it then. */
static bool
look(struct ctl_lines *l)
{
	const char *end;

	if (l->seen == l->len)
		return false;
	end = memchr(l->buf + l->seen, '\n', l->len - l->seen);
	l->seen = end != NULL ? (size_t)(end - l->buf) : l->len;
	return end != NULL;
}

bool
ctl_lines_has_line(struct ctl_lines *l)
{
	return look(l);
}

bool
ctl_lines_next(struct ctl_lines *l, const char **line, size_t *len)
{
	if (!look(l))
		return false;
	*line = l->buf + l->done;
	*len = l->seen - l->done;
	l->done = ++l->seen;
	return true;
}

bool
ctl_lines_is_empty(const struct ctl_lines *l)
{
	return l->done == l->len;
}

void
ctl_lines_fini(struct ctl_lines *l)
{
	free(l->buf);
	*l = (struct ctl_lines){ .max = l->max };
}
