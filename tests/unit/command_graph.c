/* What came from what, drawn beside a list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "command/graph.h"

/* Pairs of a version and what it came from, ended by 0, newest first. */
static void draws(const int32_t *history, const char *expected)
{
	struct graph graph = { 0 };
	struct text found = { 0 };

	for (; *history; history += 2) {
		graph_join(&graph, history[0], &found);
		graph_node(&graph, history[0], history[1], "*", &found);
		text_printf(&found, "%d\n", history[0]);
	}
	assert_false(found.failed || graph.failed);
	assert_int_equal(graph.count, 0);
	assert_string_equal(found.data, expected);
	text_release(&found);
	graph_release(&graph);
}

static void a_line_of_descent_is_straight(void **state)
{
	static const int32_t history[] = { 3, 2, 2, 1, 1, 0, 0 };

	(void)state;
	draws(history, "* 3\n* 2\n* 1\n");
}

static void a_rollback_makes_a_branch(void **state)
{
	static const int32_t history[] = { 5, 2, 4, 3, 3, 2, 2, 1, 1, 0, 0 };

	(void)state;
	draws(history, "* 5\n| * 4\n| * 3\n|/\n* 2\n* 1\n");
}

static void branches_reach_over_others(void **state)
{
	static const int32_t history[] = { 6, 1, 5, 2, 4, 1, 3, 2, 2, 1, 1, 0, 0 };

	(void)state;
	draws(history, "* 6\n| * 5\n| | * 4\n| | | * 3\n| |_|/\n| * | 2\n|/ /\n|/\n* 1\n");
}

static void what_came_from_nothing_ends_its_line(void **state)
{
	static const int32_t history[] = { 4, 1, 3, 0, 2, 1, 1, 0, 0 };

	(void)state;
	draws(history, "* 4\n| * 3\n| * 2\n|/\n* 1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_of_descent_is_straight),
		cmocka_unit_test(a_rollback_makes_a_branch),
		cmocka_unit_test(branches_reach_over_others),
		cmocka_unit_test(what_came_from_nothing_ends_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
