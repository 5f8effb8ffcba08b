/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/out.h"

#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A pipe that polls writable takes this much without blocking. */
#define OUT_CHUNK 4096u

void
out_init(struct out *out, int fd)
{
	const char *term = getenv("TERM");

	*out = (struct out){ .fd = fd };
	out->is_tty = isatty(fd) == 1;
	out->is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	out->has_colour = out->is_tty && getenv("NO_COLOR") == NULL &&
			  term != NULL && strcmp(term, "dumb") != 0;
}

void
out_fini(struct out *out)
{
	free(out->buf);
	out->buf = NULL;
	out->len = out->done = out->size = 0;
}

/* Append; what memory does not hold is lost, and says so as an error. */
static void
append(struct out *out, const char *text, size_t n)
{
	if (out->error != 0)
		return;
	if (out->size - out->len < n) {
		size_t size = out->size + out->size / 2 + n + OUT_CHUNK;
		char *buf = realloc(out->buf, size);

		if (buf == NULL) {
			out->error = ENOMEM;
			return;
		}
		out->buf = buf;
		out->size = size;
	}
	memcpy(out->buf + out->len, text, n);
	out->len += n;
}

static void
erase_live(struct out *out)
{
	static const char erase[] = "\r\033[K";

	if (out->is_drawn)
		append(out, erase, sizeof(erase) - 1);
	out->is_drawn = false;
}

void
out_print(struct out *out, const char *fmt, ...)
{
	char small[512], *big = NULL;
	va_list ap;
	int n;

	erase_live(out);
	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(small)) {
		va_start(ap, fmt);
		n = vasprintf(&big, fmt, ap);
		va_end(ap);
	}
	if (n < 0)
		out->error = out->error ? out->error : ENOMEM;
	else
		append(out, big != NULL ? big : small, (size_t)n);
	free(big);
}

const char *
out_colour(const struct out *out, enum out_colour colour)
{
	if (!out->has_colour)
		return "";
	switch (colour) {
	case OUT_BOLD:
		return "\033[1m";
	case OUT_RED:
		return "\033[31m";
	case OUT_GREEN:
		return "\033[32m";
	case OUT_PLAIN:
	default:
		return "\033[0m";
	}
}

bool
out_room(const struct out *out)
{
	return out->len - out->done < OUT_PENDING_MAX;
}

void
out_live(struct out *out, const char *line)
{
	if (!out->is_tty)
		return;
	erase_live(out);
	(void)snprintf(out->live, sizeof(out->live), "%s", line);
}

unsigned
out_width(const struct out *out)
{
	struct winsize ws;

	if (ioctl(out->fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0)
		return ws.ws_col;
	return 80;
}

bool
out_is_pending(const struct out *out)
{
	return out->error == 0 && (out->len > out->done ||
				      (out->live[0] != '\0' && !out->is_drawn));
}

/* Write one chunk. Returns 1 if it went, 0 if the reader is not ready. */
static int
push_chunk(struct out *out)
{
	struct pollfd pfd = { .fd = out->fd, .events = POLLOUT };
	size_t len = out->len - out->done;
	ssize_t n;

	if (poll(&pfd, 1, 0) != 1 || (pfd.revents & POLLOUT) == 0) {
		/* A hung-up terminal or pipe: let the write say which. */
		if ((pfd.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0)
			return 0;
	}
	n = write(
	    out->fd, out->buf + out->done, len < OUT_CHUNK ? len : OUT_CHUNK);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			out->error = errno;
		return 0;
	}
	out->done += (size_t)n;
	if (out->done == out->len)
		out->done = out->len = 0;
	return 1;
}

int
out_push(struct out *out)
{
	if (out->live[0] != '\0' && !out->is_drawn) {
		append(out, out->live, strlen(out->live));
		out->is_drawn = true;
	}
	while (out->error == 0 && out->len > out->done && push_chunk(out) == 1)
		continue;
	return -out->error;
}

int
out_drain(struct out *out, int stop_fd, int patience_ms)
{
	while (out_push(out) == 0 && out->len > out->done) {
		struct pollfd pfd[2] = {
			{ .fd = out->fd, .events = POLLOUT },
			{ .fd = stop_fd, .events = POLLIN },
		};
		int n = poll(pfd, 2, stop_fd < 0 ? patience_ms : -1);

		if (n == 0)
			return -EAGAIN;
		if (n > 0 && (pfd[1].revents & POLLIN) != 0)
			stop_fd = -1;
	}
	return -out->error;
}

const char *
out_rate(double value, const char *unit, char buf[OUT_RATE_MAX])
{
	static const char prefixes[] = " kMGT";
	unsigned i = 0;

	while (value >= 999.5 && i < sizeof(prefixes) - 2) {
		value /= 1000;
		i++;
	}
	(void)snprintf(buf, OUT_RATE_MAX, "%.*f %.*s%s",
	    i == 0 || value >= 99.95 ? 0
	    : value >= 9.995         ? 1
				     : 2,
	    value, i > 0, &prefixes[i], unit);
	return buf;
}
