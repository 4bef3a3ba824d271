// The header fields that SES writes on top of a mail that it takes, as in real messages.

import type { PlainMailOptions, SesMailOptions } from './mail'

export type SesBlock = Required<Omit<SesMailOptions, keyof PlainMailOptions | 'extraTop' | 'extraBelowBlock'>>

/** Without their last line ends. */
export function sesBlock(block: SesBlock): string[] {
  const fields = block.form === 'classic' ? classicBlock(block) : mailManagerBlock(block)
  return [
    ...(block.refolded ? fields.map(refold) : fields),
    ...(block.form === 'classic' && block.receiptHeader ? receiptFields(block) : []),
  ]
}

function classicBlock(block: SesBlock): string[] {
  const { region, sesId, forRecipient, spam, virus } = block
  const forText = forRecipient === null ? '' : `\r\n for ${forRecipient}`
  return [
    ...returnPathField(block),
    `${receivedFrom(block)}\r\n by inbound-smtp.${region}.amazonaws.com with SMTP id ${sesId}${forText};\r\n ${traceDate(block.receivedAt)}`,
    ...(spam === null ? [] : [`X-SES-Spam-Verdict: ${spam}`]),
    ...(virus === null ? [] : [`X-SES-Virus-Verdict: ${virus}`]),
    ...authenticationFields(block),
  ]
}

function mailManagerBlock(block: SesBlock): string[] {
  const { region, sesId, forRecipient } = block
  const forText = forRecipient === null ? '' : `\r\n for <${forRecipient}>`
  const by = `by open.mail-manager-smtp.${region}.amazonaws.com with ESMTPS id ${sesId}`
  const tls = '(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384)'
  return [
    ...authenticationFields(block),
    ...returnPathField(block),
    `${receivedFrom(block)}\r\n ${by}\r\n ${tls}${forText}; ${traceDate(block.receivedAt)}`,
  ]
}

function returnPathField({ returnPath }: SesBlock): string[] {
  return returnPath === null ? [] : [`Return-Path: <${returnPath}>`]
}

function receivedFrom({ helo, clientName, clientIp }: SesBlock): string {
  return `Received: from ${helo} (${clientName} [${clientIp}])`
}

function authenticationFields(block: SesBlock): string[] {
  const { spf, spfDomain, helo, clientIp, dkim, dmarc } = block
  const sender = block.returnPath ?? block.sender
  // SES names postmaster at the HELO name for the null sender
  const envelopeFrom = sender === '' ? `postmaster@${helo}` : sender
  const spfText = `${spf} (spfCheck: domain of ${spfDomain}) client-ip=${clientIp}; envelope-from=${envelopeFrom}; helo=${helo};`
  const results = [
    ...(spf === null ? [] : [`spf=${spfText}`]),
    ...dkim.map(({ result, domain }) => `dkim=${result} header.i=@${domain};`),
    ...(dmarc === null ? [] : [`dmarc=${dmarc.result} header.from=${dmarc.domain};`]),
  ]
  return [
    ...(spf === null ? [] : [`Received-SPF: ${spfText}`]),
    ...(results.length === 0 ? [] : [['Authentication-Results: amazonses.com;', ...results].join('\r\n ')]),
  ]
}

function receiptFields({ receivedAt }: SesBlock): string[] {
  const blank = Buffer.from('0123456789'.repeat(3)).toString('base64')
  const signed = 'From:To:Cc:Bcc:Subject:Date:Message-ID:MIME-Version:Content-Type:X-SES-RECEIPT'
  const seconds = Math.floor(receivedAt.getTime() / 1000)
  return [
    `X-SES-RECEIPT: ${blank}`,
    `X-SES-DKIM-SIGNATURE: a=rsa-sha256; q=dns/txt; b=${blank}; c=relaxed/simple; s=xplzuhjr4seloozmmorg6obznvt7ijlt; d=amazonses.com; t=${seconds}; v=1; bh=${blank}; h=${signed};`,
  ]
}

/** With tabs, and a new line at places where SES has none. */
function refold(field: string): string {
  return field
    .replaceAll(/\r\n /g, '\r\n\t')
    .replace(' with SMTP id ', '\r\n\twith SMTP id\r\n\t')
    .replace(' (mail.', '\r\n\t(mail.')
}

/** `Thu, 20 Feb 2025 12:38:04 +0000 (UTC)` */
export function traceDate(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000 (UTC)')
}
