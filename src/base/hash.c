/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/hash.h"

#include <fcntl.h>
#include <sha2.h>
#include <string.h>
#include <unistd.h>

static uint32_t
rot(uint32_t x, int k)
{
	return (x << k) | (x >> (32 - k));
}

/* The two mixers as their author lays them out. */
/* clang-format off */
#define MIX(a, b, c) do { \
	a -= c; a ^= rot(c, 4);  c += b; \
	b -= a; b ^= rot(a, 6);  a += c; \
	c -= b; c ^= rot(b, 8);  b += a; \
	a -= c; a ^= rot(c, 16); c += b; \
	b -= a; b ^= rot(a, 19); a += c; \
	c -= b; c ^= rot(b, 4);  b += a; \
} while (0)

#define FINAL(a, b, c) do { \
	c ^= b; c -= rot(b, 14); \
	a ^= c; a -= rot(c, 11); \
	b ^= a; b -= rot(a, 25); \
	c ^= b; c -= rot(b, 16); \
	a ^= c; a -= rot(c, 4);  \
	b ^= a; b -= rot(a, 14); \
	c ^= b; c -= rot(b, 24); \
} while (0)
/* clang-format on */

uint32_t
ep_hash_words(const uint32_t *words, size_t n, uint32_t initval)
{
	uint32_t a = 0xdeadbeef + ((uint32_t)n << 2) + initval, b = a, c = a;

	for (; n > 3; n -= 3, words += 3) {
		a += words[0];
		b += words[1];
		c += words[2];
		MIX(a, b, c);
	}
	if (n == 0)
		return c;
	if (n > 2)
		c += words[2];
	if (n > 1)
		b += words[1];
	a += words[0];
	FINAL(a, b, c);
	return c;
}

uint32_t
ep_hash_octets(const void *octets, size_t n)
{
	const uint8_t *p = octets;
	uint32_t h = 2166136261u;

	while (n-- > 0)
		h = (h ^ *p++) * 16777619u;
	return h;
}

static void
hmac_sha256(const uint8_t key[16], const uint8_t *text, size_t len,
    uint8_t out[SHA256_DIGEST_LENGTH])
{
	uint8_t pad[SHA256_BLOCK_LENGTH], inner[SHA256_DIGEST_LENGTH];
	SHA2_CTX ctx;

	memset(pad, 0x36, sizeof(pad));
	for (int i = 0; i < 16; i++)
		pad[i] ^= key[i];
	SHA256Init(&ctx);
	SHA256Update(&ctx, pad, sizeof(pad));
	SHA256Update(&ctx, text, len);
	SHA256Final(inner, &ctx);

	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	SHA256Init(&ctx);
	SHA256Update(&ctx, pad, sizeof(pad));
	SHA256Update(&ctx, inner, sizeof(inner));
	SHA256Final(out, &ctx);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static int
read_machine_id(uint8_t id[16])
{
	char text[33];
	int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, text, 32);
	(void)close(fd);
	if (n != 32)
		return -1;
	for (size_t i = 0; i < 16; i++) {
		int hi = hex_digit(text[2 * i]),
		    lo = hex_digit(text[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return -1;
		id[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}

uint64_t
ep_hash_machine(void)
{
	/* This application's key; never to be changed: addresses hang on it. */
	static const uint8_t app[16] = { 0x6b, 0x1e, 0x0a, 0x57, 0x94, 0xd2,
		0x4c, 0x8f, 0xb3, 0x30, 0xe5, 0x71, 0x09, 0xac, 0x5d, 0x42 };
	uint8_t id[16], digest[SHA256_DIGEST_LENGTH];
	uint64_t host_id = 0;

	if (read_machine_id(id) != 0)
		return 0;
	hmac_sha256(id, app, sizeof(app), digest);
	for (int i = 0; i < 8; i++)
		host_id = host_id << 8 | digest[i];
	return host_id;
}

uint64_t
ep_hash_mix(uint64_t host_id, const char *name)
{
	uint8_t key[16] = { 0 }, digest[SHA256_DIGEST_LENGTH];
	uint64_t mixed = 0;

	memcpy(key, &host_id, sizeof(host_id));
	hmac_sha256(key, (const uint8_t *)name, strlen(name), digest);
	for (int i = 0; i < 8; i++)
		mixed = mixed << 8 | digest[i];
	return mixed;
}
