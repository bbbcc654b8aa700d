// chrome.i18n: the messages in an app's folder _locales.
'use strict';

const fs = require('node:fs');
const { Intl, Map, Object } = require('./globals');
const { Failure, fileOf, readJson } = require('./files');

const MAX_SUBSTITUTIONS = 9;
const LOCALIZED = ['name', 'short_name', 'description'];

/** Messages by name, in lower case, with their placeholders filled in. */
function* messagesIn(file) {
  for (const [name, entry] of Object.entries(readJson(file) ?? {})) {
    if (typeof entry?.message !== 'string') throw new Failure(`${file}: There is no "message" element for key ${name}.`);
    const placeholders = Object.entries(entry.placeholders ?? {});
    const contents = new Map(placeholders.map(([key, value]) => [key.toLowerCase(), value?.content]));
    const message = entry.message.replaceAll(/\$([\w@]+)\$/g, (whole, key) => contents.get(key.toLowerCase()) ?? whole);
    yield [name.toLowerCase(), message];
  }
}

/** The messages of an app in a language such as `de-AT`, else in the less special one, else in its default locale. */
function messagesOf(folder, language, manifest) {
  const fallback = manifest?.default_locale;
  if (typeof fallback !== 'string') return new Map();
  const special = language.replaceAll('-', '_');
  const fileFor = (locale) => fileOf(folder, `_locales/${locale}/messages.json`);
  const own = [special.split('_')[0], special].map(fileFor).filter(fs.existsSync);
  return new Map([fileFor(fallback), ...own].flatMap((file) => [...messagesIn(file)]));
}

/** Chrome's own messages about a language. */
function predefined(language) {
  const locale = new Intl.Locale(language);
  const { direction } = locale.getTextInfo?.() ?? locale.textInfo;
  const isRight = direction === 'rtl';
  return [
    ['@@ui_locale', language.replaceAll('-', '_')],
    ['@@bidi_dir', direction],
    ['@@bidi_reversed_dir', isRight ? 'ltr' : 'rtl'],
    ['@@bidi_start_edge', isRight ? 'right' : 'left'],
    ['@@bidi_end_edge', isRight ? 'left' : 'right'],
  ];
}

/** What an app knows of its language. */
class I18n {
  #messages;
  #language;

  constructor(folder, language, manifest) {
    this.#language = language;
    this.#messages = new Map([...messagesOf(folder, language, manifest), ...predefined(language)]);
  }

  /** The manifest with its messages in it. */
  localized(manifest) {
    const texts = LOCALIZED.filter((key) => typeof manifest?.[key] === 'string').map((key) => {
      const messageFor = (whole, name) => this.#messages.get(name.toLowerCase()) ?? whole;
      return [key, manifest[key].replaceAll(/__MSG_([\w@]+)__/g, messageFor)];
    });
    return texts.length > 0 ? { ...manifest, ...Object.fromEntries(texts) } : manifest;
  }

  /** chrome.i18n of the app with this id. */
  api(id) {
    this.#messages.set('@@extension_id', id);
    return {
      getMessage: (name, substitutions) => {
        const values = [substitutions ?? []].flat();
        if (typeof name !== 'string' || values.length > MAX_SUBSTITUTIONS) return undefined;
        const text = this.#messages.get(name.toLowerCase()) ?? '';
        return text.replaceAll(/\$(\$+|[1-9])/g, (whole, what) => (what[0] === '$' ? what : values[what - 1] ?? ''));
      },
      getUILanguage: () => this.#language,
    };
  }
}

module.exports = { I18n };
