// The page's icon, an envelope that comes back, for the browser's tab and next to the name.

export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="7" fill="#0b5cad"/>
<rect x="6" y="7" width="20" height="13" rx="2" fill="none" stroke="#fff" stroke-width="2"/>
<path d="M7 9l9 6.5L25 9" fill="none" stroke="#fff" stroke-width="2" stroke-linejoin="round"/>
<path d="M24 25H9m4-3.5L9 25l4 3.5" fill="none" stroke="#ffc46b" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/>
</svg>
`
