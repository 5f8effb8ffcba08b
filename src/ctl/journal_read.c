/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a journal: octets that a crash may have torn, a disk damaged, or
 * somebody written himself.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/fail.h"
#include "ctl/journal_priv.h"

#define CRC_LEN 8u

uint32_t
ctl_journal_crc(const char *octets, size_t len)
{
	/* Of each half octet: a state of ten thousand pairs has 10 MB. */
	static const uint32_t table[16] = { 0x00000000, 0x105ec76f, 0x20bd8ede,
		0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4,
		0xd3d3e1ab, 0xe330a81a, 0xf36e6f75 };
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= (unsigned char)octets[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

static bool
is_plain(unsigned char c)
{
	return c >= ' ' && c != 0x7f;
}

bool
ctl_journal_is_key(const char *key, size_t len)
{
	if (len == 0 || len >= CTL_JOURNAL_KEY_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_plain((unsigned char)key[i]) || key[i] == ' ')
			return false;
	return true;
}

bool
ctl_journal_is_text(const char *text, size_t len)
{
	if (len > CTL_JOURNAL_TEXT_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_plain((unsigned char)text[i]))
			return false;
	return true;
}

/* One line, taken apart; all of it is the file's. */
struct line {
	const char *op, *key, *text;
	size_t op_len, key_len, text_len;
};

/* The word at *at, and a space behind it if there is more. */
static void
take_word(const char **at, const char *end, const char **word, size_t *len)
{
	const char *space = memchr(*at, ' ', (size_t)(end - *at));

	*word = *at;
	*len = (size_t)((space != NULL ? space : end) - *at);
	*at = space != NULL ? space + 1 : end;
}

/* Whether it is whole: its sum is right. */
static bool
take_line(const char *octets, size_t len, struct line *line)
{
	const char *at = octets + CRC_LEN + 1, *end = octets + len;
	char sum[CRC_LEN + 1];

	if (len < CRC_LEN + 1 || octets[CRC_LEN] != ' ')
		return false;
	(void)snprintf(
	    sum, sizeof(sum), "%08x", ctl_journal_crc(at, (size_t)(end - at)));
	if (memcmp(sum, octets, CRC_LEN) != 0)
		return false;
	take_word(&at, end, &line->op, &line->op_len);
	take_word(&at, end, &line->key, &line->key_len);
	line->text = at;
	line->text_len = (size_t)(end - at);
	return true;
}

static bool
is_op(const struct line *line, const char *op)
{
	return line->op_len == strlen(op) &&
	       memcmp(line->op, op, line->op_len) == 0;
}

/* Do to `all` what a line says. */
static int
apply(json_t *all, const struct line *line)
{
	char key[CTL_JOURNAL_KEY_MAX];
	int failed;

	if (!ctl_journal_is_key(line->key, line->key_len))
		return -EINVAL;
	memcpy(key, line->key, line->key_len);
	key[line->key_len] = '\0';
	if (is_op(line, "del") && line->text_len == 0) {
		(void)json_object_del(all, key);
		return 0;
	}
	if (!is_op(line, "set") ||
	    !ctl_journal_is_text(line->text, line->text_len))
		return -EINVAL;
	/* What is in there is for others to check, UTF-8 too. */
	failed = json_object_set_new_nocheck(
	    all, key, json_stringn_nocheck(line->text, line->text_len));
	return failed != 0 ? -ENOMEM : 0;
}

/* The lines of one change, which end where `end` stands. */
struct reader {
	const char *octets;
	size_t len;
	size_t at; /* of the line that is next */
	size_t number; /* of it, from 1 */
};

/* The line at r->at: false if none is whole there. */
static bool
peek(const struct reader *r, struct line *line, size_t *line_len)
{
	const char *from = r->octets + r->at;
	const char *newline = memchr(from, '\n', r->len - r->at);

	if (newline == NULL)
		return false;
	*line_len = (size_t)(newline - from);
	return take_line(from, *line_len, line);
}

/* Is there a whole line anywhere behind? Then this is no torn end (J3). */
static bool
goes_on(const struct reader *r)
{
	struct reader rest = *r;
	struct line line;
	size_t len;

	for (;;) {
		const char *newline = memchr(
		    rest.octets + rest.at, '\n', rest.len - rest.at);

		if (newline == NULL)
			return false;
		rest.at = (size_t)(newline - rest.octets) + 1;
		if (peek(&rest, &line, &len))
			return true;
	}
}

static int
damaged(const struct reader *r, const char *how, struct epair_err *err)
{
	return ctl_fail(err, -EINVAL,
	    "line %zu %s; it was changed by hand, or the disk has lost it",
	    r->number, how);
}

/*
 * Find the end of the change that begins at r. Returns how many lines it has,
 * its `end` included; 0 if it was torn; or an error.
 */
static int
measure(const struct reader *r, size_t *lines, struct epair_err *err)
{
	struct reader at = *r;
	struct line line;
	size_t len;

	for (*lines = 0; at.at < at.len; at.at += len + 1, at.number++) {
		char *rest;

		if (!peek(&at, &line, &len)) {
			if (goes_on(&at))
				return damaged(&at, "is damaged", err);
			break;
		}
		++*lines;
		if (!is_op(&line, "end"))
			continue;
		/* It is followed by the newline, where strtoul() stops. */
		if (line.key_len == 0 || line.text_len != 0 ||
		    strtoul(line.key, &rest, 10) != *lines - 1 ||
		    rest != line.key + line.key_len)
			return damaged(
			    &at, "ends a change that has other lines", err);
		return 0;
	}
	*lines = 0;
	return 0;
}

int
ctl_journal_read(const char *octets, size_t len, json_t *all, size_t *good,
    struct epair_err *err)
{
	const size_t head = strlen(CTL_JOURNAL_HEAD);
	struct reader r = { .octets = octets, .len = len, .at = head };
	struct line line = { .op = "", .key = "", .text = "" };
	size_t lines = 0, line_len = 0;
	int error;

	*good = 0;
	if (len < head || memcmp(octets, CTL_JOURNAL_HEAD, head) != 0)
		return ctl_fail(err, -EINVAL,
		    "does not begin with \"%.13s\": it is no state of this "
		    "version's",
		    CTL_JOURNAL_HEAD);
	r.number = 2;
	for (;;) {
		*good = r.at;
		error = measure(&r, &lines, err);
		if (error != 0 || lines == 0)
			return error;
		for (; lines > 0; lines--, r.at += line_len + 1, r.number++) {
			(void)peek(&r, &line, &line_len);
			error = lines > 1 ? apply(all, &line) : 0;
			if (error == -ENOMEM)
				return ctl_fail(err, error, "no memory");
			if (error != 0)
				return damaged(&r, "makes no sense", err);
		}
	}
}
