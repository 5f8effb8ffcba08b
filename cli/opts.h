/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/opts.h - options as a table.
 *
 * A verb has one table of struct opt and one struct of its own that the values
 * go to. The table makes the parser, the error texts and the help; so every
 * error names the option, what was wrong and what is allowed. Short and long
 * options may stand before, between and behind the operands; the last of two
 * wins; "--" ends them.
 */
#ifndef CLI_OPTS_H
#define CLI_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct cli;
struct verb;

struct opt {
	const char *name; /* "mtu" */
	char letter; /* 'j', or 0 */
	const char *arg; /* "N", or NULL for a flag */
	const char *sentence; /* for the help */
	/*
	 * Store value (NULL for a flag) at `into`. Returns NULL, or what was
	 * wrong with it ("is no number"), a constant string.
	 */
	const char *(*parse)(
	    const struct opt *opt, const char *value, void *into);
	size_t offset; /* of the value in the verb's struct */
	uint64_t min, max; /* opt_number, opt_seconds */
	const char *const *words; /* opt_word: NULL behind the last */
	const char *allowed; /* what to write; NULL: min to max */
};

struct opt_mac {
	bool is_set;
	uint8_t octets[6];
};

/* bool */
const char *opt_flag(const struct opt *opt, const char *value, void *into);
/* uint64_t, decimal, min to max */
const char *opt_number(const struct opt *opt, const char *value, void *into);
/* uint64_t nanoseconds, written as seconds with decimals; min and max too */
const char *opt_seconds(const struct opt *opt, const char *value, void *into);
/* struct opt_mac */
const char *opt_mac(const struct opt *opt, const char *value, void *into);
/* uint64_t: which of the words */
const char *opt_word(const struct opt *opt, const char *value, void *into);
/* const char *, not empty */
const char *opt_text(const struct opt *opt, const char *value, void *into);

#define OPT_JSON(type, field) \
	{ \
		.name = "json", .letter = 'j', .sentence = "print JSON", \
		.parse = opt_flag, .offset = offsetof(type, field) \
	}

#define OPT_NS_PER_S UINT64_C(1000000000)

enum opts_result {
	OPTS_OK,
	OPTS_HELP, /* -h, --help was there: nothing else counts */
	OPTS_WRONG, /* it has been complained of */
};

/*
 * Parse argv[1] .. into the struct at `into`. *first is the index of the first
 * operand; argv is reordered so that they come last. Before a verb (its name
 * is NULL) parsing stops at the first operand.
 */
enum opts_result opts_parse(const struct cli *cli, const struct verb *verb,
    void *into, int argc, char **argv, int *first);

/* Write "  -j, --json    print JSON" lines for a table to a FILE. */
void opts_help(const struct opt *opts, FILE *f);

#endif /* CLI_OPTS_H */
