/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an operator may write: any text is an attachment or a discipline, or is
 * refused with a sentence of printable characters, and the system is not
 * touched by looking.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "attach/attach.h"
#include "base/assert.h"
#include "qdisc/qdisc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_err(const struct epair_err *err, int error)
{
	EP_ASSERT(err->code == error);
	EP_ASSERT(memchr(err->text, '\0', sizeof(err->text)) != NULL);
	EP_ASSERT(err->text[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct epair_err err = { 0 };
	struct ep_qdisc *qd;
	char *text = malloc(size + 1);
	int error;

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';

	error = ep_attach_check(text, &err);
	EP_ASSERT(error == 0 || error == -EINVAL || error == -EOPNOTSUPP);
	if (error != 0)
		check_err(&err, error);

	memset(&err, 0, sizeof(err));
	error = ep_qdisc_create(text, &qd, &err);
	EP_ASSERT(error == 0 || error == -EINVAL);
	if (error != 0)
		check_err(&err, error);
	else
		ep_qdisc_destroy(qd);
	free(text);
	return 0;
}
