/* The walk along a command line: which word is which option's, and which is an argument. */
#include <stdlib.h>
#include <string.h>

#include "base/options.h"

void options_given_release(struct options_given *given)
{
	free(given->items);
	*given = (struct options_given){ 0 };
}

int options_given_add(struct options_given *given, const struct option_given *one, struct error *err)
{
	struct option_given *grown = reallocarray(given->items, given->count + 1, sizeof(*grown));

	if (!grown)
		return error_memory(err);
	given->items = grown;
	given->items[given->count++] = *one;
	return 0;
}

static const struct option_spec *find_letter(const struct option_spec *table, char letter)
{
	for (; table && table->type != OPTION_END; table++)
		if (table->letter && table->letter == letter)
			return table;
	return NULL;
}

static const struct option_spec *find_name(const struct option_spec *table, const char *name, size_t length)
{
	for (; table && table->type != OPTION_END; table++)
		if (table->name && strlen(table->name) == length && memcmp(table->name, name, length) == 0)
			return table;
	return NULL;
}

/* The word behind an option that takes an argument. */
static int take_argument(struct option_words *words, const char *option, struct option_given *given, struct error *err)
{
	if (words->at == words->count)
		return error_set(err, ERROR_USAGE, "'%.100s' needs an argument: %s", option, given->spec->argument);
	given->text = words->words[words->at++];
	return OPTION_WORD_OPTION;
}

static int next_letter(struct option_words *words, const struct option_spec *own, const struct option_spec *common,
		       struct option_given *given, struct error *err)
{
	char letter = *words->letters++, option[] = { '-', letter, '\0' };
	const char *rest = words->letters;

	if (*rest == '\0')
		words->letters = NULL;
	given->spec = find_letter(own, letter);
	if (!given->spec)
		given->spec = find_letter(common, letter);
	if (!given->spec) {
		words->letters = NULL;
		return error_set(err, ERROR_USAGE, "'-%.100s' is not an option", rest - 1);
	}
	if (given->spec->type == OPTION_FLAG)
		return OPTION_WORD_OPTION;
	words->letters = NULL;
	if (*rest == '\0')
		return take_argument(words, option, given, err);
	given->text = rest;
	return OPTION_WORD_OPTION;
}

static int next_name(struct option_words *words, const char *word, const struct option_spec *own,
		     const struct option_spec *common, struct option_given *given, struct error *err)
{
	size_t length = strcspn(word + 2, "=");
	const char *value = word[2 + length] == '=' ? word + 2 + length + 1 : NULL;

	given->spec = find_name(own, word + 2, length);
	if (!given->spec)
		given->spec = find_name(common, word + 2, length);
	if (!given->spec)
		return error_set(err, ERROR_USAGE, "'%.*s' is not an option", (int)(length < 100 ? length + 2 : 100),
				 word);
	if (given->spec->type == OPTION_FLAG && value)
		return error_set(err, ERROR_USAGE, "'--%s' takes no argument", given->spec->name);
	if (given->spec->type != OPTION_FLAG && !value)
		return take_argument(words, word, given, err);
	given->text = value;
	return OPTION_WORD_OPTION;
}

int options_next(struct option_words *words, const struct option_spec *own, const struct option_spec *common,
		 struct option_given *given, struct error *err)
{
	const char *word;

	*given = (struct option_given){ 0 };
	if (words->letters)
		return next_letter(words, own, common, given, err);
	if (words->at == words->count)
		return OPTION_WORD_NONE;
	word = words->words[words->at++];
	if (!words->ended && strcmp(word, "--") == 0) {
		words->ended = true;
		return options_next(words, own, common, given, err);
	}
	if (!words->ended && word[0] == '-' && word[1] == '-')
		return next_name(words, word, own, common, given, err);
	if (!words->ended && word[0] == '-' && word[1] != '\0') {
		words->letters = word + 1;
		return next_letter(words, own, common, given, err);
	}
	given->text = word;
	return OPTION_WORD_ARGUMENT;
}
