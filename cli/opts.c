/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/opts.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define OPTS_MAX 32
/* getopt_long answers this for the i-th option of the table, plus i. */
#define LONG_BASE 256
#define LONG_HELP (LONG_BASE + OPTS_MAX)

const char *
opt_flag(const struct opt *opt, const char *value, void *into)
{
	(void)opt;
	(void)value;
	*(bool *)into = true;
	return NULL;
}

const char *
opt_number(const struct opt *opt, const char *value, void *into)
{
	unsigned long long n;
	char *end;

	/* strtoull would take a sign and spaces. */
	if (*value < '0' || *value > '9')
		return "is no number";
	errno = 0;
	n = strtoull(value, &end, 10);
	if (*end != '\0')
		return "is no number";
	if (errno == ERANGE || n > opt->max)
		return "is too large";
	if (n < opt->min)
		return "is too small";
	*(uint64_t *)into = n;
	return NULL;
}

const char *
opt_seconds(const struct opt *opt, const char *value, void *into)
{
	uint64_t ns = 0, digit = OPT_NS_PER_S;
	const char *p = value;

	for (; *p >= '0' && *p <= '9'; p++) {
		ns = ns * 10 + (uint64_t)(*p - '0') * OPT_NS_PER_S;
		if (ns > opt->max)
			return "is too long";
	}
	if (*p == '.' && p[1] != '\0')
		for (p++; *p >= '0' && *p <= '9'; p++) {
			digit /= 10;
			ns += (uint64_t)(*p - '0') * digit;
		}
	if (*p != '\0' || p == value)
		return "is no number of seconds";
	if (ns > opt->max)
		return "is too long";
	if (ns < opt->min)
		return "is too short";
	*(uint64_t *)into = ns;
	return NULL;
}

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	at = c == '\0' ? NULL : strchr(digits, c);
	return at == NULL ? -1 : (int)(at - digits);
}

const char *
opt_mac(const struct opt *opt, const char *value, void *into)
{
	struct opt_mac mac = { .is_set = true };
	uint8_t any = 0;
	const char *p = value;

	(void)opt;
	for (int i = 0; i < 6; i++) {
		int digit, n = 0, v = 0;

		for (; n < 2 && (digit = hex_digit(*p)) >= 0; n++, p++)
			v = v * 16 + digit;
		if (n == 0 || *p != (i < 5 ? ':' : '\0'))
			return "is no MAC address";
		p += i < 5;
		mac.octets[i] = (uint8_t)v;
		any |= mac.octets[i];
	}
	if (any == 0)
		return "is the zero address";
	if ((mac.octets[0] & 1) != 0)
		return "is a group address";
	*(struct opt_mac *)into = mac;
	return NULL;
}

const char *
opt_word(const struct opt *opt, const char *value, void *into)
{
	for (uint64_t i = 0; opt->words[i] != NULL; i++)
		if (strcmp(opt->words[i], value) == 0) {
			*(uint64_t *)into = i;
			return NULL;
		}
	return "is not known";
}

const char *
opt_text(const struct opt *opt, const char *value, void *into)
{
	(void)opt;
	if (*value == '\0')
		return "is empty";
	*(const char **)into = value;
	return NULL;
}

/* What may be written for an option, into buf. Returns buf. */
static const char *
allowed(const struct opt *opt, char *buf, size_t size)
{
	uint64_t unit = opt->parse == opt_seconds ? OPT_NS_PER_S : 1;

	if (opt->allowed != NULL)
		(void)snprintf(buf, size, "%s", opt->allowed);
	else if (opt->min % unit != 0)
		(void)snprintf(buf, size, "%.3f to %" PRIu64,
		    (double)opt->min / (double)unit, opt->max / unit);
	else
		(void)snprintf(buf, size, "%" PRIu64 " to %" PRIu64,
		    opt->min / unit, opt->max / unit);
	return buf;
}

/* Every option of the table, as one would write it, into buf. Returns buf. */
static const char *
known(const struct opt *opts, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (const struct opt *opt = opts; opt->name != NULL; opt++) {
		int n = snprintf(buf + len, size - len, "--%s, ", opt->name);

		if (n < 0 || (size_t)n >= size - len)
			break;
		len += (size_t)n;
	}
	(void)snprintf(buf + len, size - len, "--help");
	return buf;
}

static int
take(
    const struct cli *cli, const struct opt *opt, const char *value, void *into)
{
	const char *wrong = opt->parse(opt, value, (char *)into + opt->offset);
	char buf[256];

	if (wrong == NULL)
		return OPTS_OK;
	cli_complain(cli, "--%s: '%s' %s; allowed: %s", opt->name, value, wrong,
	    allowed(opt, buf, sizeof(buf)));
	return OPTS_WRONG;
}

static const struct opt *
by_answer(const struct opt *opts, int answer)
{
	if (answer >= LONG_BASE)
		return &opts[answer - LONG_BASE];
	while (opts->name != NULL && opts->letter != answer)
		opts++;
	return opts->name != NULL ? opts : NULL;
}

/*
 * Say what getopt_long did not like: ':' an option without its value, '?' one
 * that is unknown, ambiguous, or a flag that was given a value.
 */
static void
complain(
    const struct cli *cli, const struct opt *opts, int what, const char *word)
{
	const struct opt *opt = NULL;
	char buf[512];

	if (optopt != 0 && optopt != LONG_HELP)
		opt = by_answer(opts, optopt);
	if (what == ':' && opt != NULL)
		cli_complain(cli, "--%s: needs a value; allowed: %s", opt->name,
		    allowed(opt, buf, sizeof(buf)));
	else if (opt != NULL || optopt == LONG_HELP)
		cli_complain(cli, "--%s: takes no value; allowed: --%s alone",
		    opt ? opt->name : "help", opt ? opt->name : "help");
	else if (optopt != 0)
		cli_complain(cli, "-%c: no such option; allowed are %s", optopt,
		    known(opts, buf, sizeof(buf)));
	else
		cli_complain(cli, "%s: no such option; allowed are %s", word,
		    known(opts, buf, sizeof(buf)));
}

/* getopt_long's two tables, from ours. */
struct getopt_tables {
	struct option longs[OPTS_MAX + 2];
	char letters[3 + 2 * OPTS_MAX + 2];
};

static void
make_tables(struct getopt_tables *t, const struct verb *verb)
{
	unsigned n = 0, c = 0;

	if (verb->name == NULL)
		t->letters[c++] = '+';
	t->letters[c++] = ':';
	t->letters[c++] = 'h';
	for (const struct opt *opt = verb->opts; opt->name != NULL; opt++) {
		t->longs[n] = (struct option){ opt->name,
			opt->arg != NULL ? required_argument : no_argument,
			NULL, LONG_BASE + (int)n };
		n++;
		if (opt->letter == 0)
			continue;
		t->letters[c++] = opt->letter;
		if (opt->arg != NULL)
			t->letters[c++] = ':';
	}
	t->longs[n++] = (struct option){ "help", no_argument, NULL, LONG_HELP };
	t->longs[n] = (struct option){ 0 };
	t->letters[c] = '\0';
}

enum opts_result
opts_parse(const struct cli *cli, const struct verb *verb, void *into, int argc,
    char **argv, int *first)
{
	struct getopt_tables t;
	int answer;

	make_tables(&t, verb);
	optind = 0; /* glibc: forget an earlier argv */
	opterr = 0;
	for (;;) {
		answer = getopt_long(argc, argv, t.letters, t.longs, NULL);
		if (answer == -1)
			break;
		if (answer == 'h' || answer == LONG_HELP)
			return OPTS_HELP;
		if (answer == '?' || answer == ':') {
			complain(cli, verb->opts, answer, argv[optind - 1]);
			return OPTS_WRONG;
		}
		if (take(cli, by_answer(verb->opts, answer), optarg, into) !=
		    OPTS_OK)
			return OPTS_WRONG;
	}
	*first = optind;
	return OPTS_OK;
}

/* "-j, --json" or "    --mtu N" into left. Returns its length. */
static int
left_of(const struct opt *opt, char *left, size_t size)
{
	return snprintf(left, size, "%c%c%s--%s%s%s", opt->letter ? '-' : ' ',
	    opt->letter ? opt->letter : ' ', opt->letter ? ", " : "  ",
	    opt->name, opt->arg ? " " : "", opt->arg ? opt->arg : "");
}

void
opts_help(const struct opt *opts, FILE *f)
{
	char left[64];
	int width = 22;

	for (const struct opt *opt = opts; opt->name != NULL; opt++)
		if (left_of(opt, left, sizeof(left)) > width)
			width = left_of(opt, left, sizeof(left));
	for (const struct opt *opt = opts; opt->name != NULL; opt++) {
		(void)left_of(opt, left, sizeof(left));
		(void)fprintf(f, "  %-*s %s\n", width, left, opt->sentence);
	}
	(void)fprintf(f, "  %-*s %s\n", width, "-h, --help", "print this");
}
