// Where things are on the page, by what a screen reader says of them.

export const listed = (tab, name, group = 'Here') =>
    tab.page.getByRole('list', { name: group, exact: true }).getByRole('listitem').filter({ hasText: name });

export const lines = (tab) => tab.page.getByRole('feed', { name: 'Lines' });

export const line = (tab, text) => lines(tab).getByRole('article').filter({ hasText: text });

/** A line that is announced with this at its end: what became of it. */
export const marked = (tab, text, mark) => lines(tab).getByRole('article', { name: new RegExp(`${text}.*, ${mark}$`, 's') });

export const field = (tab) => tab.page.getByRole('textbox', { name: /^Write to/ });

export const chats = (tab) => tab.page.getByRole('region', { name: 'Conversations' });

export const chat = (tab, name) => chats(tab).getByRole('link').filter({ hasText: name });

export const rail = (tab) => tab.page.getByRole('navigation', { name: 'Main' });

/** Opens the conversation with somebody from the list of people, as a user does. */
export async function open(tab, name, group) {
    await rail(tab).getByRole('link', { name: 'People' }).click();
    await listed(tab, name, group).getByRole('link').click();
    await field(tab).waitFor();
}

export async function everyone(tab) {
    await tab.view('/talk/everyone');
    await tab.page.getByRole('textbox', { name: 'Write to everyone' }).waitFor();
}

/** Says something in the conversation that is open. */
export async function say(tab, text) {
    await field(tab).fill(text);
    await tab.page.getByRole('button', { name: 'Send', exact: true }).click();
}
