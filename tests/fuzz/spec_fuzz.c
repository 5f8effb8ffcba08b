/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any text is parsed and laid down in a struct that knows every type, or
 * refused with a one-line sentence.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/spec.h"

struct conf {
	const char *text;
	uint32_t u32;
	uint64_t u64, size, rate, time;
	bool flag;
	unsigned choice;
	struct ep_addr addr, cidrs[2];
	unsigned cidr_count;
	uint8_t mac[6];
	uint64_t after;
};

static const char *const choices[] = { "one", "two", NULL };

#define AT(field) offsetof(struct conf, field)
static const struct ep_opt table[] = {
	{ "text", "TEXT", EP_OPT_TEXT, AT(text) },
	{ "u32", "N", EP_OPT_U32, AT(u32), .min = 2, .max = 1000 },
	{ "u64", "N", EP_OPT_U64, AT(u64) },
	{ "size", "N", EP_OPT_SIZE, AT(size) },
	{ "rate", "N", EP_OPT_RATE, AT(rate), .min = 1 },
	{ "time", "TIME", EP_OPT_TIME, AT(time), .max = 1000000 },
	{ "flag", "on|off", EP_OPT_BOOL, AT(flag) },
	{ "choice", "one|two", EP_OPT_CHOICE, AT(choice), .choices = choices },
	{ "addr", "ADDR", EP_OPT_ADDR, AT(addr) },
	{ "cidr", "CIDR", EP_OPT_CIDR, AT(cidrs), .many = 2,
	    .many_offset = AT(cidr_count) },
	{ "mac", "MAC", EP_OPT_MAC, AT(mac) },
	{ NULL },
};

#define AFTER UINT64_C(0x5a5a5a5a5a5a5a5a)

static void
check_err(int error, const struct epair_err *err)
{
	EP_ASSERT(error < 0 && err->code == error);
	EP_ASSERT(err->text[0] != '\0');
	for (const char *p = err->text; *p != '\0'; p++)
		EP_ASSERT(*p >= ' ' && *p <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf conf = { .u32 = 2, .rate = 1, .after = AFTER };
	struct epair_err err = { 0 };
	struct ep_spec spec;
	char *text = malloc(size + 1);
	int error;

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';

	error = ep_spec_parse(text, &spec, &err);
	if (error == 0)
		error = ep_spec_fill(&spec, table, &conf, &err);
	if (error != 0)
		check_err(error, &err);
	EP_ASSERT(conf.after == AFTER);
	EP_ASSERT(conf.u32 >= 2 && conf.u32 <= 1000);
	EP_ASSERT(conf.rate >= 1 && conf.time <= 1000000);
	EP_ASSERT(conf.choice <= 1 && conf.cidr_count <= 2);
	free(text);
	return 0;
}
