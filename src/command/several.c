#include "command/several.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "command/several_report.h"
#include "output/progress.h"
#include "workspace/signals.h"

int several_add_filter(const char *text, void *field, struct error *err)
{
	struct label_filters *filters = field;

	if (selection_check_filter(text, err) < 0)
		return -1;
	if (filters->count == SELECTION_MAX_FILTERS)
		return error_set(err, ERROR_USAGE, "more than %d filters", SELECTION_MAX_FILTERS);
	filters->items[filters->count++] = text;
	return 0;
}

static const struct several *several_of(const struct command *command, const struct invocation *invocation)
{
	return (const struct several *)((const char *)invocation->options + command->several_offset);
}

static bool repeats_target(const struct command *command)
{
	return strstr(command->arguments, "TARGET...") != NULL;
}

bool several_is_asked(const struct command *command, const struct invocation *invocation)
{
	const struct several *several;

	if (!command->takes_several || command->several_is_its_own)
		return false;
	several = several_of(command, invocation);
	if (several->filters.count)
		return true;
	if (several->all)
		return !command->all_is_its_own;
	return repeats_target(command) && invocation->argument_count > 1;
}

int several_check(const struct command *command, const struct invocation *invocation, struct error *err)
{
	const struct several *several = several_of(command, invocation);

	if (invocation->argument_count == 0 || (!several->all && several->filters.count == 0))
		return 0;
	return error_set(err, ERROR_USAGE, "'--%s' cannot be given with %s", several->all ? "all" : "filter",
			 repeats_target(command) ? "a TARGET" : "a TARGET or a NAME");
}

struct pool {
	const struct command *command;
	const struct invocation *invocation;
	const void *options; /* those of the invocation, with nothing chosen */
	struct several_work *works;
	size_t count;
	atomic_size_t next;
	struct progress progress;
};

/* As if this workspace had been given alone, with what it prints kept. */
static int run_alone(const struct pool *pool, struct session *session, const struct error *store_error,
		     struct several_work *work, struct error *err)
{
	const char *const arguments[] = { work->id, NULL, NULL };
	struct output out = *pool->invocation->out;
	struct invocation alone = *pool->invocation;
	struct target_word word;
	int result;

	if (target_word_parse(work->id, &word, err) < 0)
		return -1;
	out.stream = open_memstream(&work->said, &work->length);
	if (!out.stream)
		return error_memory(err);
	alone.arguments = arguments;
	alone.argument_count = 1;
	alone.targets = &word;
	alone.target_count = 1;
	alone.options = pool->options;
	alone.session = session;
	alone.store_error = store_error->kind != ERROR_NONE ? store_error : NULL;
	alone.out = &out;
	alone.is_one_of_several = true;
	result = pool->command->run(&alone, err);
	work->changed = out.changed;
	if (fclose(out.stream) != 0 && result == 0)
		result = error_memory(err);
	return result;
}

static void do_work(const struct pool *pool, struct several_work *work)
{
	cleanup_session struct session session = { .state_dir = -1 };
	struct error store_error = { 0 };

	work->begun = true;
	if (command_open(pool->command, pool->invocation->settings, &session, &store_error, &work->failure) == 0)
		run_alone(pool, &session, &store_error, work, &work->failure);
}

static void *worker(void *context)
{
	struct pool *pool = context;
	size_t at;

	while (!signals_pending() && (at = atomic_fetch_add(&pool->next, 1)) < pool->count) {
		do_work(pool, &pool->works[at]);
		progress_step(&pool->progress);
	}
	return NULL;
}

/* As many threads as can be had; this one works as well. */
static void run_pool(struct pool *pool, unsigned jobs)
{
	pthread_t threads[SEVERAL_JOBS_MOST];
	unsigned started = 0;

	while (started + 1 < jobs && started + 1 < pool->count &&
	       pthread_create(&threads[started], NULL, worker, pool) == 0)
		started++;
	worker(pool);
	while (started > 0)
		pthread_join(threads[--started], NULL);
}

void several_tell_none(const struct several *several, const char *namespace)
{
	if (several->filters.count)
		log_warning("no container of the namespace '%s' matches the filter", namespace);
	else
		log_warning("no container of the namespace '%s' has a history", namespace);
}

static int choose(const struct command *command, const struct invocation *invocation, struct names_set *ids,
		  struct error *err)
{
	const struct several *several = several_of(command, invocation);
	const struct selection selection = { .all = several->all,
					     .filters = several->filters,
					     .words = invocation->targets,
					     .word_count = invocation->target_count };

	if (selection_make(invocation->session, &selection, ids, err) < 0)
		return -1;
	if (ids->count == 0)
		several_tell_none(several, invocation->settings->namespace);
	return 0;
}

/* The command's own values, without what chooses workspaces. */
static void *options_of_one(const struct command *command, const struct invocation *invocation)
{
	char *options = malloc(command->options_size);

	if (!options)
		return NULL;
	memcpy(options, invocation->options, command->options_size);
	memset(options + command->several_offset, 0, sizeof(struct several));
	return options;
}

static void tell_interrupted(struct pool *pool, int signal)
{
	for (size_t i = 0; i < pool->count; i++)
		if (!pool->works[i].begun)
			error_set(&pool->works[i].failure, ERROR_FAILED, "'%s' was not touched: interrupted by SIG%s",
				  pool->works[i].id, sigabbrev_np(signal));
}

static void work_on_all(struct pool *pool, const struct names_set *ids, unsigned jobs)
{
	struct output *out = pool->invocation->out;
	struct signals signals = { 0 };
	int signal;

	for (size_t i = 0; i < ids->count; i++)
		pool->works[i].id = ids->items[i];
	progress_begin(&pool->progress, ids->count, !out->quiet && !pool->invocation->settings->verbose);
	signals_hold(&signals);
	run_pool(pool, jobs);
	for (size_t i = 0; i < pool->count; i++)
		out->changed |= pool->works[i].changed;
	if (out->changed)
		signals_keep_pipe(&signals);
	signal = signals_release_to_tell(&signals);
	progress_end(&pool->progress);
	tell_interrupted(pool, signal ? signal : SIGTERM);
}

int several_run(const struct command *command, const struct invocation *invocation, struct error *err)
{
	cleanup_names_set struct names_set ids = { 0 };
	cleanup_free void *options = options_of_one(command, invocation);
	cleanup_free struct several_work *works = NULL;
	struct pool pool = { .command = command, .invocation = invocation, .options = options };
	int result;

	if (!options)
		return error_memory(err);
	if (choose(command, invocation, &ids, err) < 0)
		return -1;
	works = calloc(ids.count + 1, sizeof(*works));
	if (!works)
		return error_memory(err);
	pool.works = works;
	pool.count = ids.count;
	work_on_all(&pool, &ids, several_of(command, invocation)->jobs);
	result = several_report(invocation->out, works, ids.count, err);
	for (size_t i = 0; i < ids.count; i++)
		free(works[i].said);
	return result;
}
