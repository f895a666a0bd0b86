/* A circular doubly linked list whose links are inside its members. A list head is a link too; a link that is in no
 * list points at itself. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

/* The structure that contains a link. */
#define list_entry(link, type, member) ((type *)(((char *)(link)) - offsetof(type, member)))

/* Visits every link. The body may remove `link` itself, and no other link. */
#define list_each(link, head)                                                                                          \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head);                                  \
         link = link##_next, link##_next = link->next)

static inline void list_init(struct list *link) {
    link->next = link->prev = link;
}

static inline bool list_empty(const struct list *head) {
    return head->next == head;
}

/* Removes a link from its list; does nothing if the link is in none. */
static inline void list_remove(struct list *link) {
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

static inline void list_append(struct list *head, struct list *link) {
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static inline void list_prepend(struct list *head, struct list *link) {
    list_append(head->next, link);
}
