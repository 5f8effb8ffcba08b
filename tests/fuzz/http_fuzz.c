/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A head of HTTP, as it comes, octet by octet, until it is complete; one that
 * never is, is refused at its limit.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_status(const struct ctl_http_request *rq)
{
	switch (rq->status) {
	case 200:
	case 400:
	case 404:
	case 405:
	case 431:
		break;
	default:
		abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctl_http_request rq;
	bool is_complete = false;
	char *head;

	if (size > CTL_HTTP_HEAD_MAX)
		size = CTL_HTTP_HEAD_MAX;
	for (size_t n = 0; n <= size; n++) {
		/* Exactly as long as it says, so that ASan sees beyond. */
		head = malloc(n > 0 ? n : 1);
		if (head == NULL)
			return 0;
		memcpy(head, data, n);
		is_complete = ctl_http_parse(head, n, &rq);
		if (is_complete)
			check_status(&rq);
		free(head);
		if (is_complete)
			break;
	}
	if (!is_complete && size == CTL_HTTP_HEAD_MAX)
		abort();
	return 0;
}
