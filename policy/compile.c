// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Compiling a policy: which files belong to it, the steps in their order, and the digest.  Owns a
 * compilation from its first byte to its last.  Must never return an image of a policy that had an
 * error.
 */

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/model.h"

/* ---- files ------------------------------------------------------------------------------------- */

static void add_file(struct compilation *c, const char *path)
{
	const struct source *source;
	int ret = source_read(&c->arena, path, c->diag, &source);

	c->incomplete |= ret != 0;
	if (ret && ret != -EINVAL)
		c->unreadable = ret;
	if (!ret)
		buffer_push(&c->sources, &source, sizeof(source));
}

static int is_drop_in(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return *entry->d_name != '.' && len > 5 && !strcmp(entry->d_name + len - 5, ".yaml");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void add_folder(struct compilation *c, const char *folder)
{
	struct diag_place place = { .file = folder };
	struct dirent **entries;
	int n = scandir(folder, &entries, is_drop_in, by_name);

	if (n < 0 && errno == ENOENT)
		return;
	if (n < 0) {
		c->unreadable = -errno;
		diag_add(c->diag, DIAG_ERROR, place, NULL, 0, NULL, "cannot read it: %s",
			 strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		add_file(c, arena_printf(&c->arena, "%s/%s", folder, entries[i]->d_name));
		free(entries[i]);
	}
	free(entries);
}

static void add_path(struct compilation *c, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	add_file(c, path);
	if (!strcmp(base, "policy.yaml"))
		add_folder(c, arena_printf(&c->arena, "%.*spolicy.d", (int)(base - path), path));
}

/* ---- the digest -------------------------------------------------------------------------------- */

static void digest_part(crypto_hash_sha256_state *state, const void *data, size_t len)
{
	uint8_t length[8];

	for (unsigned int i = 0; i < 8; i++)
		length[i] = (uint8_t)((uint64_t)len >> (8 * i));
	crypto_hash_sha256_update(state, length, sizeof(length));
	crypto_hash_sha256_update(state, data, len);
}

/* SHA-256 over each source, in order, and the system description, each after its length. */
static void digest(const struct compilation *c, uint8_t out[POLICY_DIGEST])
{
	crypto_hash_sha256_state state;

	_Static_assert(POLICY_DIGEST == crypto_hash_sha256_BYTES, "the digest is a SHA-256");
	crypto_hash_sha256_init(&state);
	for (size_t i = 0; i < BUFFER_N(&c->sources, const struct source *); i++) {
		const struct source *source = *BUFFER_AT(&c->sources, const struct source *, i);

		digest_part(&state, source->text, source->len);
	}
	if (c->sys)
		digest_part(&state, c->sys, c->sys->size);
	crypto_hash_sha256_final(&state, out);
}

/* ---- the steps --------------------------------------------------------------------------------- */

static int compile(struct compilation *c, void **imagep, size_t *lenp)
{
	struct policy_image *image;

	c->now = c->options->now ? c->options->now : time(NULL);
	for (size_t i = 0; i < BUFFER_N(&c->sources, const struct source *); i++)
		policy_parse(c, *BUFFER_AT(&c->sources, const struct source *, i));
	if (!c->incomplete) {
		policy_resolve(c);
		policy_check(c);
	}
	if (c->unreadable)
		return c->unreadable;
	if (c->diag->n_errors)
		return -EINVAL;
	image = policy_emit(c, lenp);
	if (!image)
		return -EINVAL;
	digest(c, image->digest);
	image->checksum = image_checksum(image, *lenp);
	if (!c->options->skip_never)
		policy_prove_nevers(c, image);
	if (c->options->find_dead)
		policy_find_dead(c, image);
	if (!c->options->skip_tests)
		policy_run_tests(c, image);
	if (c->options->parsed && !c->diag->n_errors)
		c->options->parsed(c->options->data, c);
	if (c->diag->n_errors) {
		free(image);
		return -EINVAL;
	}
	*imagep = image;
	return 0;
}

static void release(struct compilation *c)
{
	source_sort_messages(c->diag);
	for (unsigned int i = 0; i < IMAGE_N_TABLES; i++)
		buffer_free(&c->out.table[i]);
	buffer_free(&c->out.texts);
	buffer_free(&c->sources);
	buffer_free(&c->defines);
	buffer_free(&c->roles);
	buffer_free(&c->rules);
	buffer_free(&c->grants);
	buffer_free(&c->nevers);
	buffer_free(&c->tests);
	free(c->sys);
	arena_free(&c->arena);
}

int policy_compile(const char *const *paths, size_t n, const struct policy_options *options,
		   struct diag *diag, void **imagep, size_t *lenp)
{
	struct compilation c = { .diag = diag, .options = options };
	int ret;

	for (size_t i = 0; i < n; i++)
		add_path(&c, paths[i]);
	ret = compile(&c, imagep, lenp);
	release(&c);
	return ret;
}

int policy_compile_more(const char *const *paths, size_t n, const char *name, const char *text,
			size_t len, const struct policy_options *options, struct diag *diag,
			void **imagep, size_t *lenp)
{
	struct compilation c = { .diag = diag, .options = options };
	struct source source = { name, text, len };
	const struct source *pointer = &source;
	int ret;

	for (size_t i = 0; i < n; i++)
		add_path(&c, paths[i]);
	buffer_push(&c.sources, &pointer, sizeof(pointer));
	ret = compile(&c, imagep, lenp);
	release(&c);
	return ret;
}

int policy_compile_text(const char *name, const char *text, size_t len,
			const struct policy_options *options, struct diag *diag, void **imagep,
			size_t *lenp)
{
	return policy_compile_more(NULL, 0, name, text, len, options, diag, imagep, lenp);
}
