// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Any text as a policy: it compiles to an image that verifies, or there is an error.
 */

#include <stdlib.h>

#include "policy/compile.h"
#include "policy/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct policy_options options = {
		.system = "loopback:",
		.partition = POLICY_NO_PARTITION,
	};
	void *block = NULL;
	struct diag diag;
	size_t len;
	int ret;

	diag_init(&diag);
	ret = policy_compile_text("/nonexistent/fuzz.yaml", (const char *)data, size, &options,
				  &diag, &block, &len);
	if (!ret != !diag.n_errors || (!ret && !policy_image_verify(block, len)))
		abort();
	diag_free(&diag);
	free(block);
	return 0;
}
