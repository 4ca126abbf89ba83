export const providerName = 'kubelet-credential-provider-cgr';
export const providerApi = 'credentialprovider.kubelet.k8s.io/v1';
