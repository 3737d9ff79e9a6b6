// Both languages say all that the page says.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PAGE = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../src/web/page');
const locale = (name) => JSON.parse(fs.readFileSync(path.join(PAGE, 'locale', `${name}.json`), 'utf8'));
const forms = (value) => (typeof value === 'string' ? [value] : Object.values(value));
const places = (value) => [...new Set(forms(value).flatMap((text) => text.match(/\{\w+\}/g) ?? []))].sort();

const english = locale('en');
const names = fs.readdirSync(path.join(PAGE, 'locale')).map((file) => path.basename(file, '.json'));

for (const name of names.filter((one) => one !== 'en')) {
    test(`${name} has the same keys and places as English`, () => {
        const other = locale(name);
        assert.deepEqual(Object.keys(other).sort(), Object.keys(english).sort());
        const wrong = [];
        for (const [key, value] of Object.entries(other)) {
            const [theirs, ours] = [places(value), places(english[key])];
            // A plural can leave the number out where the word says it.
            if (theirs.some((one) => !ours.includes(one)) || ours.some((one) => one !== '{n}' && !theirs.includes(one))) wrong.push(`${key}: ${theirs} for ${ours}`);
            if ((typeof value === 'object') !== (typeof english[key] === 'object') && places(english[key]).includes('{n}') && typeof english[key] === 'object') wrong.push(`${key}: no plural`);
            if (forms(value).some((text) => text.trim() === '')) wrong.push(`${key}: empty`);
        }
        assert.deepEqual(wrong, []);
    });

    test(`${name} has every plural that its language knows`, () => {
        const wanted = new Intl.PluralRules(name).resolvedOptions().pluralCategories;
        const missing = [];
        for (const [key, value] of Object.entries(locale(name))) {
            if (typeof value !== 'object') continue;
            const lacks = wanted.filter((one) => value[one] === undefined);
            if (lacks.length && value.other === undefined) missing.push(`${key}: ${lacks}`);
        }
        assert.deepEqual(missing, []);
    });
}

test('every key that the page asks for is there, and no text is markup', () => {
    const asked = new Set();
    for (const file of fs.readdirSync(PAGE).filter((one) => one.endsWith('.js'))) {
        for (const [, key] of fs.readFileSync(path.join(PAGE, file), 'utf8').matchAll(/\btn?\("([\w.-]+)"/g)) asked.add(key);
    }
    assert.ok(asked.size > 100, `${asked.size} keys`);
    assert.deepEqual([...asked].filter((key) => english[key] === undefined), []);
    for (const name of names) {
        for (const value of Object.values(locale(name))) for (const text of forms(value)) assert.doesNotMatch(text, /[<>]|&\w+;|\bjavascript:/i);
    }
});
