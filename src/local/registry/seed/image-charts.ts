// A chart of the demo, as helm would push it. Guarantees: the same bytes on every machine; the images it names are the
// demo's own, by digest.

import { digestOf } from '../../store/digest.ts';
import { type LayerFile, makeLayer } from '../builds/layer.ts';
import { mediaTypes } from '../manifest.ts';

export interface SeededChart {
  readonly repository: string;
  readonly name: string;
  readonly description: string;
  /** Chart versions, oldest first; one for each build of the images. */
  readonly versions: readonly [string, string, string];
  readonly images: readonly ChartImage[];
}

interface ChartImage {
  /** Repository beside the chart. */
  readonly repository: string;
  readonly key: string;
  readonly requirement: 'required' | 'optional';
}

export interface BuiltChart {
  readonly manifest: Buffer;
  readonly blobs: readonly { readonly digest: string; readonly bytes: Buffer }[];
  readonly version: string;
}

/** An image the chart names: `chainguard/nginx`, a version tag, the digest of its index. */
export interface ChartReference {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

const chartTypes = {
  config: 'application/vnd.cncf.helm.config.v1+json',
  content: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
} as const;

export const seededCharts: readonly SeededChart[] = [
  {
    repository: 'charts/nginx',
    name: 'nginx',
    description: 'A web server that serves a folder',
    versions: ['1.0.0', '1.1.0', '1.2.0'],
    images: [{ repository: 'nginx', key: 'image', requirement: 'required' }],
  },
  {
    repository: 'iamguarded-charts/nginx',
    name: 'nginx',
    description: 'A web server with a job that fills its folder',
    versions: ['22.1.0', '22.2.0', '22.2.1'],
    images: [
      { repository: 'nginx', key: 'image', requirement: 'required' },
      { repository: 'python', key: 'content', requirement: 'optional' },
    ],
  },
];

/** `resolve` gives the image of the same build. */
export async function buildChart(
  chart: SeededChart,
  build: number,
  date: string,
  resolve: (repository: string, build: number) => ChartReference,
): Promise<BuiltChart> {
  const version = chart.versions[build] ?? '';
  const images = chart.images.map((image) => ({ ...image, reference: resolve(image.repository, build) }));
  const appVersion = images[0]?.reference.tag ?? '';
  const metadata = {
    apiVersion: 'v2',
    name: chart.name,
    version,
    appVersion,
    description: chart.description,
    type: 'application',
    annotations: {
      category: 'Demo',
      images: images
        .map(({ key, reference }) => `- name: ${key}\n  image: cgr.dev/${referenceText(reference)}\n`)
        .join(''),
    },
  };
  const files: LayerFile[] = [
    { path: `${chart.name}/Chart.yaml`, text: chartYaml(metadata) },
    { path: `${chart.name}/values.yaml`, text: valuesYaml(images) },
    { path: `${chart.name}/CHANGELOG.md`, text: changelog(chart, build) },
    { path: `${chart.name}/cg.json`, text: `${JSON.stringify(imageMapping(images), undefined, 2)}\n` },
    { path: `${chart.name}/templates/deployment.yaml`, text: deploymentTemplate },
  ];
  const { bytes: archive } = await makeLayer(files, date);
  const config = Buffer.from(JSON.stringify(metadata));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { mediaType: chartTypes.config, digest: digestOf(config), size: config.length },
      layers: [{ mediaType: chartTypes.content, digest: digestOf(archive), size: archive.length }],
      annotations: {
        'org.opencontainers.image.title': chart.name,
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.description': chart.description,
        'org.opencontainers.image.created': date,
      },
    }),
  );
  return {
    manifest,
    version,
    blobs: [config, archive].map((bytes) => ({ digest: digestOf(bytes), bytes })),
  };
}

interface ResolvedImage extends ChartImage {
  readonly reference: ChartReference;
}

/** Returns which values a reference to each image goes into, in the form Chainguard's charts carry as `cg.json`. */
function imageMapping(images: readonly ResolvedImage[]): object {
  const entries = images.map(({ key, requirement }) => {
    const values = {
      [key]: { registry: '$' + '{registry}', repository: '$' + '{repo}', tag: '$' + '{tag}', digest: '$' + '{digest}' },
    };
    return [key, { requirement, values }] as const;
  });
  return { images: Object.fromEntries(entries) };
}

function referenceText({ repository, tag, digest }: ChartReference): string {
  return `${repository}:${tag}@${digest}`;
}

function chartYaml(metadata: Readonly<Record<string, string | Readonly<Record<string, string>>>>): string {
  const { annotations, ...plain } = metadata;
  const lines = Object.entries(plain).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  const more = Object.entries(annotations ?? {}).map(([key, value]) =>
    value.includes('\n')
      ? `  ${key}: |\n${value.replace(/^(?=.)/gm, '    ').trimEnd()}`
      : `  ${key}: ${JSON.stringify(value)}`,
  );
  return `${[...lines, 'annotations:', ...more].join('\n')}\n`;
}

function valuesYaml(images: readonly ResolvedImage[]): string {
  const blocks = images.map(({ key, reference }) =>
    [
      `${key}:`,
      '  registry: cgr.dev',
      `  repository: ${reference.repository}`,
      `  tag: ${JSON.stringify(reference.tag)}`,
      `  digest: ${reference.digest}`,
    ].join('\n'),
  );
  return `# Values of a demo chart.\nreplicas: 1\n${blocks.join('\n')}\n`;
}

function changelog(chart: SeededChart, build: number): string {
  const entries = chart.versions
    .slice(0, build + 1)
    .reverse()
    .map((version) => `## ${version}\n\nNewer images.\n`);
  return `# Changelog\n\n${entries.join('\n')}`;
}

const deploymentTemplate = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels:
      app: {{ .Release.Name }}
  template:
    metadata:
      labels:
        app: {{ .Release.Name }}
    spec:
      containers:
        - name: main
          image: "{{ .Values.image.registry }}/{{ .Values.image.repository }}:{{ .Values.image.tag }}@{{ .Values.image.digest }}"
`;
