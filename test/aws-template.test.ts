// docs/aws.yaml against AWS's own specification of CloudFormation's resources, as the package @aws-cdk/aws-service-spec has
// it: types, properties, required ones, kinds of values, names that are referred to. And what the template promises.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec'
import type { PropertyType, Resource, SpecDatabase, TypeDefinition } from '@aws-cdk/service-spec-types'
import { parse, type ScalarTag } from 'yaml'

type Data = string | number | boolean | null | Data[] | { [key: string]: Data }
type Fields = Record<string, Data>

interface Template {
  Parameters: Fields
  Conditions: Fields
  Resources: Record<string, { Type: string; Condition?: string; DependsOn?: string[]; Properties?: Fields }>
  Outputs: Record<string, { Value: Data }>
}

/** CloudFormation's short forms, as its long ones: `!Ref X` is `{ Ref: X }`. */
const NAMES = ['Ref', 'Sub', 'GetAtt', 'If', 'Equals', 'Join', 'Select', 'Not'] as const
const longName = (name: string) => (name === 'Ref' ? name : `Fn::${name}`)
const TAGS = NAMES.flatMap(name => [
  { tag: `!${name}`, resolve: (text: string) => ({ [longName(name)]: text }) } satisfies Omit<
    ScalarTag,
    'identify'
  >,
  {
    tag: `!${name}`,
    collection: 'seq' as const,
    resolve: (items: unknown) => ({ [longName(name)]: (items as { toJSON(): unknown }).toJSON() }),
  },
])

function readTemplate(text: string): Template {
  return parse(text, { customTags: TAGS as never }) as Template
}

const TEXT = readFileSync(path.join(__dirname, '../docs/aws.yaml'), 'utf8')

describe('the CloudFormation template', function () {
  let db: SpecDatabase
  let template: Template
  before(() => {
    db = loadAwsServiceSpecSync()
    template = readTemplate(TEXT)
  })

  it("has no fault by AWS's own specification", () => {
    assert.deepEqual(faultsOf(template, db), [])
    assert.ok(Object.keys(template.Resources).length >= 9)
  })

  const MISTAKES: [what: string, from: string | RegExp, to: string, fault: RegExp][] = [
    [
      'a type that is none',
      'AWS::SQS::QueuePolicy',
      'AWS::SQS::Policy',
      /QueuePolicy: there is no AWS::SQS::Policy/,
    ],
    ['an unknown property', 'RawMessageDelivery', 'RawDelivery', /Subscription: there is no RawDelivery/],
    [
      'a property that is missing',
      '      TopicArn: !Ref Announcements\n      Protocol',
      '      Protocol',
      /Subscription: TopicArn is missing/,
    ],
    [
      'an unknown property deep inside',
      'ObjectKeyPrefix',
      'ObjectPrefix',
      /Rule\.Rule\.Actions\.0\.S3Action: there is no ObjectPrefix/,
    ],
    [
      'a text where there is a list',
      'Recipients: [!Ref Domain]',
      'Recipients: all of them',
      /Rule\.Rule\.Recipients: "all of them" is no array/,
    ],
    [
      'a text where there is a number',
      'VisibilityTimeout: 120',
      'VisibilityTimeout: soon',
      /Queue\.VisibilityTimeout: "soon" is no integer/,
    ],
    ['a name that nothing has', '!GetAtt DeadLetters.Arn', '!GetAtt DeadQueue.Arn', /there is no DeadQueue/],
    [
      'an attribute that its type lacks',
      '!GetAtt Queue.Arn',
      '!GetAtt Queue.Name',
      /AWS::SQS::Queue has no attribute Name/,
    ],
    ['a name in a text that nothing has', '${Mail.Arn}/in', '${Bucket.Arn}/in', /there is no Bucket/],
    [
      'a condition that is not there',
      'Condition: MakesRuleSet',
      'Condition: MakesRules',
      /there is no condition MakesRules/,
    ],
  ]
  for (const [what, from, to, fault] of MISTAKES)
    it(`would be found to have ${what}`, () => {
      const broken = TEXT.replace(from, () => to)
      assert.notEqual(broken, TEXT)
      assert.match(faultsOf(readTemplate(broken), db).join('\n'), fault)
    })

  const statements = (resource: string): Fields[] => {
    const document = template.Resources[resource]?.Properties?.['PolicyDocument'] as { Statement: Fields[] }
    return document.Statement
  }

  it('lets only SES, for rules of this account, write to the bucket and to the topic', () => {
    for (const name of ['MailPolicy', 'AnnouncementsPolicy']) {
      const [only, ...more] = statements(name)
      assert.deepEqual(more, [])
      assert.deepEqual(only?.['Principal'], { Service: 'ses.amazonaws.com' })
      const { StringEquals, ArnLike } = (only?.['Condition'] ?? {}) as Record<string, Fields>
      assert.deepEqual(StringEquals, { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } })
      assert.match(
        JSON.stringify(ArnLike?.['aws:SourceArn']),
        /:ses:\$\{AWS::Region\}:\$\{AWS::AccountId\}:receipt-rule-set/,
      )
    }
  })

  it('lets only the topic write to the queue', () => {
    const [only, ...more] = statements('QueuePolicy')
    assert.deepEqual(more, [])
    assert.deepEqual(only?.['Principal'], { Service: 'sns.amazonaws.com' })
    assert.deepEqual(only?.['Condition'], { ArnEquals: { 'aws:SourceArn': { Ref: 'Announcements' } } })
  })

  it('gives the relay no more of S3 than reading the mail', () => {
    const ofS3 = statements('RelayAndBounces').filter(({ Action }) => JSON.stringify(Action).includes('s3:'))
    assert.deepEqual(ofS3, [
      { Effect: 'Allow', Action: 's3:GetObject', Resource: { 'Fn::Sub': '${Mail.Arn}/in/*' } },
    ])
  })

  it('keeps mail as long as check --online and the relay want it', () => {
    const { Queue, DeadLetters } = template.Resources
    const { MessageRetentionPeriod, RedrivePolicy } = Queue?.Properties ?? {}
    assert.ok(Number(MessageRetentionPeriod) >= 4 * 86_400)
    assert.ok(Number((RedrivePolicy as Fields)['maxReceiveCount']) >= 1000)
    assert.equal(DeadLetters?.Properties?.['MessageRetentionPeriod'], 14 * 86_400)
  })
})

/** AWS's own names. */
const PSEUDO = /^AWS::(?:AccountId|NoValue|NotificationARNs|Partition|Region|StackId|StackName|URLSuffix)$/

function faultsOf(template: Template, db: SpecDatabase): string[] {
  const faults: string[] = []
  const specOf = (name: string): Resource | undefined => {
    const type = template.Resources[name]?.Type
    return type === undefined ? undefined : db.lookup('resource', 'cloudFormationType', 'equals', type)[0]
  }
  for (const [name, { Properties = {}, Type, Condition, DependsOn = [] }] of Object.entries(
    template.Resources,
  )) {
    const spec = specOf(name)
    if (spec === undefined) faults.push(`${name}: there is no ${Type}`)
    else checkFields(name, Properties, spec)
    checkNames(name, Properties)
    if (Condition !== undefined && !(Condition in template.Conditions))
      faults.push(`${name}: there is no condition ${Condition}`)
    for (const other of DependsOn)
      if (!(other in template.Resources)) faults.push(`${name}: there is no ${other}`)
  }
  for (const [name, { Value }] of Object.entries(template.Outputs)) checkNames(`Outputs.${name}`, Value)
  return faults

  function checkFields(
    at: string,
    fields: Fields,
    { properties }: Pick<Resource | TypeDefinition, 'properties'>,
  ): void {
    for (const [name, { required, type }] of Object.entries(properties)) {
      const value = fields[name]
      if (value === undefined) {
        if (required === true) faults.push(`${at}: ${name} is missing`)
      } else checkValue(`${at}.${name}`, value, type)
    }
    for (const name of Object.keys(fields))
      if (!(name in properties)) faults.push(`${at}: there is no ${name}`)
  }

  function checkValue(at: string, value: Data, type: PropertyType): void {
    if (isFunction(value)) {
      const branches = value['Fn::If']
      if (Array.isArray(branches)) for (const branch of branches.slice(1)) checkValue(at, branch, type)
      return
    }
    const fault = valueFault(at, value, type)
    if (fault !== undefined) faults.push(`${at}: ${JSON.stringify(value)} is no ${fault}`)
  }

  /** The kind that the value isn't of; parts of it are checked by themselves. */
  function valueFault(at: string, value: Data, type: PropertyType): string | undefined {
    switch (type.type) {
      case 'string':
        // CloudFormation takes numbers and booleans for texts
        return typeof value === 'object' ? type.type : undefined
      case 'integer':
      case 'number':
        return Number.isFinite(Number(value)) && typeof value !== 'object' ? undefined : type.type
      case 'boolean':
        return ['true', 'false'].includes(JSON.stringify(value)) ? undefined : type.type
      case 'json':
        return typeof value === 'object' && value !== null ? undefined : type.type
      case 'array':
        if (!Array.isArray(value)) return type.type
        for (const [index, item] of value.entries()) checkValue(`${at}.${index}`, item, type.element)
        return undefined
      case 'map':
        return isFields(value) ? undefined : type.type
      case 'ref':
        if (!isFields(value)) return 'group of properties'
        checkFields(at, value, db.get('typeDefinition', type.reference.$ref))
        return undefined
      case 'union':
        return type.types.every(one => one.type !== 'ref' && valueFault(at, value, one) !== undefined)
          ? type.types.map(one => one.type).join(' or ')
          : undefined
      default:
        return undefined
    }
  }

  /** Whatever a value refers to is there. */
  function checkNames(at: string, value: Data): void {
    if (Array.isArray(value)) for (const item of value) checkNames(at, item)
    if (!isFields(value)) return
    const { Ref, 'Fn::GetAtt': attribute, 'Fn::Sub': text, 'Fn::If': branches } = value
    if (typeof Ref === 'string') checkName(at, Ref)
    if (typeof attribute === 'string') checkName(at, attribute)
    if (typeof text === 'string')
      for (const [, name = ''] of text.matchAll(/\$\{([^}]+)\}/g)) checkName(at, name)
    const [condition] = Array.isArray(branches) ? branches : []
    if (typeof condition === 'string' && !(condition in template.Conditions))
      faults.push(`${at}: there is no condition ${condition}`)
    for (const part of Object.values(value)) checkNames(at, part)
  }

  function checkName(at: string, written: string): void {
    if (PSEUDO.test(written)) return
    const [name = '', ...rest] = written.split('.')
    const attribute = rest.join('.')
    if (attribute === '') {
      if (!(name in template.Parameters) && !(name in template.Resources))
        faults.push(`${at}: there is no ${name}`)
      return
    }
    const spec = specOf(name)
    if (spec === undefined) faults.push(`${at}: there is no ${name}`)
    else if (!(attribute in spec.attributes))
      faults.push(`${at}: ${spec.cloudFormationType} has no attribute ${attribute}`)
  }
}

function isFields(value: Data): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isFunction(value: Data): value is Fields {
  const [key = '', ...more] = isFields(value) ? Object.keys(value) : []
  return more.length === 0 && (key === 'Ref' || key.startsWith('Fn::'))
}
