/** The documents that the server reads. A test holds the endings equal to review_core/languages.py. */

export const ENDINGS = [
  'c', 'h', 'cc', 'cpp', 'cxx', 'hh', 'hpp', 'hxx', 'ipp', 'tpp', 'cs', 'go', 'java', 'js', 'cjs', 'mjs', 'jsx',
  'ts', 'cts', 'mts', 'tsx', 'py', 'pyi', 'rb', 'rake', 'gemspec', 'rs', 'php', 'kt', 'kts',
] as const;

export const FILE_NAMES = ['Rakefile', 'Gemfile'] as const;

/** Language identifiers of the editor: for cells and unsaved documents, which have no file name. */
export const LANGUAGE_IDS = [
  'c', 'cpp', 'csharp', 'go', 'java', 'javascript', 'javascriptreact', 'typescript', 'typescriptreact', 'python',
  'ruby', 'rust', 'php', 'kotlin',
] as const;

export interface Filter {
  readonly scheme: string;
  readonly language?: string;
  readonly pattern?: string;
}

/** Files by their name, as the server tells languages; cells and unsaved documents by their language. */
export function documentFilters(): Filter[] {
  return [
    { scheme: 'file', pattern: `**/*.{${ENDINGS.join(',')}}` },
    { scheme: 'file', pattern: `**/{${FILE_NAMES.join(',')}}` },
    ...['untitled', 'vscode-notebook-cell'].flatMap((scheme) =>
      LANGUAGE_IDS.map((language) => ({ scheme, language })),
    ),
  ];
}

/** Whether the server reads a file of this name. */
export function isRead(fileName: string): boolean {
  const ending = fileName.slice(fileName.lastIndexOf('.') + 1).toLowerCase();
  return (
    (fileName.includes('.') && (ENDINGS as readonly string[]).includes(ending)) ||
    (FILE_NAMES as readonly string[]).includes(fileName)
  );
}
