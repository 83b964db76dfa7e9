#include "label.h"

#include <stddef.h>
#include <string.h>

/*
 * Splits the payload of a scanned label, "name=value;name=value;...", into the fields of `label`.
 * Returns the number of fields, or -1 if the payload is malformed or does not fit.
 */
int label_parse(struct label *label, const char *payload, size_t length)
{
    size_t at = 0;
    int count = 0;

    while (at < length) {
        const char *start = payload + at;
        const char *end = memchr(start, ';', length - at);
        size_t size = end ? (size_t)(end - start) : length - at;
        const char *equals = memchr(start, '=', size);
        size_t name_size, value_size;

        if (count == LABEL_MAX_FIELDS || equals == NULL)
            return -1;
        name_size = (size_t)(equals - start);
        value_size = size - name_size - 1;
        if (name_size >= LABEL_NAME_SIZE || value_size >= LABEL_VALUE_SIZE)
            return -1;

        memcpy(label->fields[count].name, start, name_size);
        label->fields[count].name[name_size] = '\0';
        memcpy(label->fields[count].value, equals + 1, value_size);
        label->fields[count].value[value_size] = '\0';
        count++;
        at += size + 1;
    }
    label->count = count;
    return count;
}
