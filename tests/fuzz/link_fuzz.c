/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any text is a link or refused with a sentence that changes nothing; what is
 * a link is shown in words that give the same link and are shown the same. No
 * file is read that was not said to be named.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "impair/conf.h"

static void
check_err(int error, const struct epair_err *err)
{
	EP_ASSERT(error < 0 && err->code == error);
	EP_ASSERT(err->text[0] != '\0');
	for (const char *p = err->text; *p != '\0'; p++)
		EP_ASSERT(*p >= ' ' && *p <= '~');
}

static void
check_again(const struct ep_link_conf *conf)
{
	char text[EP_LINK_TEXT_MAX], again[EP_LINK_TEXT_MAX];
	struct ep_link_conf other = { .delay_ns = 0 };
	unsigned named;
	int len = ep_link_format(conf, text, sizeof(text));

	EP_ASSERT(len > 0 && strlen(text) == (size_t)len);
	EP_ASSERT(ep_link_parse(text, &other, &named, NULL) == 0);
	EP_ASSERT(memcmp(conf, &other, sizeof(other)) == 0);
	EP_ASSERT(ep_link_format(&other, again, sizeof(again)) == len);
	EP_ASSERT(strcmp(text, again) == 0);
	EP_ASSERT(ep_link_is_none(conf) == (strcmp(text, "none") == 0));
}

/* Words that were taken named those files, and are in conf. */
static void
check_files(const char *words, unsigned named, const struct ep_link_conf *conf)
{
	struct ep_link_conf files;
	unsigned all;

	EP_ASSERT(ep_link_parse_files(words, &files, &all, NULL) == 0);
	EP_ASSERT((named & EP_LINK_FILES & ~all) == 0);
	if ((named & EP_LINK_TABLE) != 0)
		EP_ASSERT(strcmp(files.table, conf->table) == 0);
	if ((named & EP_LINK_SLOT_TABLE) != 0)
		EP_ASSERT(strcmp(files.slot_table, conf->slot_table) == 0);
	if ((named & EP_LINK_TRACE) != 0)
		EP_ASSERT(strcmp(files.trace, conf->trace) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ep_link_conf conf = { .delay_ns = 0 }, was;
	struct epair_err err = { 0 };
	char *text = malloc(size + 1), *line, *rest;
	unsigned named;
	int error;

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';

	/* One call for each `;`, upon what the last one left. */
	for (line = text; line != NULL; line = rest) {
		rest = strchr(line, ';');
		if (rest != NULL)
			*rest++ = '\0';
		was = conf;
		error = ep_link_parse(line, &conf, &named, &err);
		if (error != 0) {
			check_err(error, &err);
			EP_ASSERT(memcmp(&was, &conf, sizeof(was)) == 0);
		} else {
			check_files(line, named, &conf);
		}
		check_again(&conf);
	}
	free(text);
	return 0;
}
