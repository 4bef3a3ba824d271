// npm run pictures: writes those of the status page that the documents show, of the same afternoon each time.
// Rejects where there is no Chromium.

import path from 'node:path'
import { startApi } from './api-support'
import { launchChromium, openPage } from './chromium'
import { fillDay, RULES } from './day'

const DOCS = path.join(__dirname, '../../docs')
const WIDE = { width: 1280, height: 960 }
const PICTURES = [
  { name: 'status-page.png', colorScheme: 'light', viewport: WIDE },
  { name: 'status-page-dark.png', colorScheme: 'dark', viewport: WIDE },
  { name: 'status-page-phone.png', colorScheme: 'light', viewport: { width: 390, height: 844 } },
] as const

async function main(): Promise<void> {
  const api = await startApi('', RULES)
  const browser = await launchChromium()
  try {
    fillDay(api)
    for (const { name, ...options } of PICTURES) {
      const watched = await openPage(browser, api.url, options)
      await watched.page.goto(`${api.url}/`)
      await watched.page.screenshot({ path: path.join(DOCS, name) })
      await watched.close()
    }
  } finally {
    await browser.close()
    await api.close()
  }
}

void main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
