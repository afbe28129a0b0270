# Intune's detection script: prints a line and exits with 0 if Claviger is installed, in the expected
# version or a later one. Set the version before the upload; an empty one accepts all.
$expected = ''

$program = Join-Path $env:ProgramFiles 'Claviger\claviger.exe'
$helper = Join-Path $env:ProgramFiles 'Claviger\claviger-helper.exe'
if (-not ((Test-Path -Path $program) -and (Test-Path -Path $helper))) {
    exit 1
}
# The numbers of the file: a text such as 1.2.0-rc.1 cannot be compared.
$information = (Get-Item -Path $program).VersionInfo
$installed = [version] "$($information.FileMajorPart).$($information.FileMinorPart).$($information.FileBuildPart)"
if ($expected -and $installed -lt [version] $expected) {
    exit 1
}
Write-Output "Claviger $installed"
exit 0
